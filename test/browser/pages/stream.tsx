// Everything that `useStream` shows of a thread and lets its user do.
import './record-calls.js';
import './screen.js';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { Checkpoint, Message } from '@langchain/langgraph-sdk';
import { useStream } from '@langchain/langgraph-sdk/react';
import { type Settings, settings } from './settings.js';
import { useThreadInAddress } from './thread-in-address.js';

interface State extends Record<string, unknown> {
  messages: Message[];
}

interface Entry {
  name: string;
  data: unknown;
}

function App({ settings }: { settings: Settings }) {
  const [threadId, setThreadId] = useThreadInAddress();
  const [log, setLog] = useState<Entry[]>([]);
  const [text, setText] = useState('');
  const tell = (name: string, data: unknown): void => setLog((entries) => [...entries, { name, data }]);

  const others = (settings.callbacks ?? []).map((name) => {
    const callback = (data: unknown, context?: { namespace?: string[] }): void =>
      tell(name, { data, namespace: context?.namespace });
    return [name, callback] as const;
  });
  const { apiUrl, assistantId, apiKey } = settings;
  const stream = useStream<State>({
    apiUrl,
    assistantId,
    apiKey,
    ...settings.hook,
    threadId,
    onThreadId: (id) => {
      tell('onThreadId', id);
      setThreadId(id);
    },
    onCreated: (run) => tell('onCreated', run),
    onError: (error) => tell('onError', String(error)),
    ...Object.fromEntries(others),
  });

  const submit: typeof stream.submit = (values, options) => stream.submit(values, { ...settings.submit, ...options });
  const human = (): Message => ({ id: crypto.randomUUID(), type: 'human', content: text });
  const send = (): void => {
    const message = human();
    void submit(
      { ...settings.input, messages: [message] },
      settings.optimistic ? { optimisticValues: ({ messages = [] }) => ({ messages: [...messages, message] }) } : {},
    );
  };
  const { messages, ...values } = stream.values;

  return (
    <>
      <output data-part="thread">{threadId}</output>
      <output data-part="status">{stream.isLoading ? 'loading' : 'idle'}</output>
      <output data-part="thread-status">{stream.isThreadLoading ? 'loading' : 'loaded'}</output>
      <ol data-part="messages">
        {stream.messages.map((message, index) => {
          const metadata = stream.getMessagesMetadata(message, index);
          const { branch, branchOptions = [], firstSeenState } = metadata ?? {};
          const fork = (change?: Partial<State>): void => {
            const checkpoint = firstSeenState?.parent_checkpoint as Omit<Checkpoint, 'thread_id'> | null;
            void submit(change, { checkpoint });
          };
          const place = branchOptions.indexOf(branch ?? '');
          return (
            <li
              key={message.id ?? index}
              data-id={message.id}
              data-type={message.type}
              data-branch={branch && `${place + 1}/${branchOptions.length}`}
              data-node={metadata?.streamMetadata?.langgraph_node as string | undefined}
            >
              <span data-text>
                {typeof message.content === 'string' ? message.content : JSON.stringify(message.content)}
              </span>
              <button onClick={() => fork({ ...settings.input, messages: [human()] })}>Edit {index}</button>
              <button onClick={() => fork()}>Regenerate {index}</button>
              <button onClick={() => stream.setBranch(branchOptions[place - 1])}>Previous {index}</button>
              <button onClick={() => stream.setBranch(branchOptions[place + 1])}>Next {index}</button>
            </li>
          );
        })}
      </ol>
      <output data-part="values">{JSON.stringify(values)}</output>
      <output data-part="messages-in-values">{messages?.length ?? 0}</output>
      <output data-part="interrupts">{JSON.stringify(stream.interrupts)}</output>
      <output data-part="error">{stream.error === undefined ? '' : describe(stream.error)}</output>
      {settings.hook?.fetchStateHistory && <output data-part="history">{stream.history.length}</output>}
      <ol data-part="log">
        {log.map(({ name, data }, index) => (
          <li key={index} data-name={name}>
            {JSON.stringify(data)}
          </li>
        ))}
      </ol>
      <input aria-label="Text" value={text} onChange={(event) => setText(event.target.value)} />
      <button onClick={send}>Send</button>
      <button onClick={() => void submit(settings.input)}>Start</button>
      <button onClick={() => void submit(undefined)}>Continue</button>
      <button onClick={() => void submit(undefined, { command: { resume: JSON.parse(text) as unknown } })}>
        Answer
      </button>
      <button onClick={() => void stream.stop()}>Stop</button>
      <button onClick={() => void stream.joinStream(text)}>Join</button>
      {settings.threads?.map((id, index) => (
        <button key={id} onClick={() => setThreadId(id)}>
          Thread {index}
        </button>
      ))}
      <button onClick={() => setThreadId(null)}>New thread</button>
    </>
  );
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

createRoot(document.getElementById('root')!).render(<App settings={settings()} />);

// A chat application as agent-chat-ui is one: its calls of the SDK, with their options, and what it makes of the answers.
import './record-calls.js';
import './screen.js';
import { useCallback, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { type Checkpoint, Client, type Message, type Thread } from '@langchain/langgraph-sdk';
import { useStream } from '@langchain/langgraph-sdk/react';
import {
  isRemoveUIMessage,
  isUIMessage,
  type RemoveUIMessage,
  type UIMessage,
  uiMessageReducer,
} from '@langchain/langgraph-sdk/react-ui';
import { type Settings, settings } from './settings.js';
import { useThreadInAddress } from './thread-in-address.js';
import { isShown, toolMessagesFor } from './tool-messages.js';

interface State extends Record<string, unknown> {
  messages: Message[];
  ui?: UIMessage[];
  context?: Record<string, unknown>;
}

interface Bag {
  ConfigurableType: Record<string, unknown>;
  CustomEventType: UIMessage | RemoveUIMessage;
  UpdateType: {
    messages?: Message[] | Message | string;
    ui?: (UIMessage | RemoveUIMessage)[];
    context?: Record<string, unknown>;
  };
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** How every message is submitted. */
const STREAM = { streamMode: ['values' as const], streamSubgraphs: true, streamResumable: true };

/** Whether there is a server, asked once. */
function useServerStatus({ apiUrl, apiKey }: Settings): string {
  const [status, setStatus] = useState('asking');
  useEffect(() => {
    const headers: HeadersInit = apiKey ? { 'X-Api-Key': apiKey } : {};
    fetch(`${apiUrl}/info`, { headers }).then(
      ({ ok }) => setStatus(ok ? 'there' : 'refuses'),
      () => setStatus('not there'),
    );
  }, [apiUrl, apiKey]);
  return status;
}

/** The threads of this assistant, which may be named by its id or by its graph. */
function useThreads({ apiUrl, apiKey, assistantId }: Settings): [Thread<State>[], () => void] {
  const [threads, setThreads] = useState<Thread<State>[]>([]);
  const load = useCallback(() => {
    const metadata = UUID.test(assistantId) ? { assistant_id: assistantId } : { graph_id: assistantId };
    void new Client<State>({ apiUrl, apiKey }).threads.search({ metadata, limit: 100 }).then(setThreads, console.error);
  }, [apiUrl, apiKey, assistantId]);
  useEffect(load, [load]);
  return [threads, load];
}

const textOf = ({ content }: Message): string =>
  typeof content === 'string'
    ? content
    : content.flatMap((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join(' ');

function App({ settings }: { settings: Settings }) {
  const { apiUrl, apiKey, assistantId, input } = settings;
  const [threadId, setThreadId] = useThreadInAddress();
  const [text, setText] = useState('');
  const [blocks, setBlocks] = useState<Record<string, unknown>[]>([]);
  const serverStatus = useServerStatus(settings);
  const [threads, loadThreads] = useThreads(settings);
  const stream = useStream<State, Bag>({
    apiUrl,
    apiKey,
    assistantId,
    threadId,
    fetchStateHistory: true,
    onCustomEvent: (event, { mutate }) => {
      if (isUIMessage(event) || isRemoveUIMessage(event)) {
        mutate((state) => ({ ...state, ui: uiMessageReducer(state.ui ?? [], event) }));
      }
    },
    onThreadId: setThreadId,
  });

  const human = (content: unknown): Message => ({ id: crypto.randomUUID(), type: 'human', content }) as Message;

  const send = (): void => {
    const message = human([...(text === '' ? [] : [{ type: 'text', text }]), ...blocks]);
    const added = [...toolMessagesFor(stream.messages), message];
    const context = input?.context as Record<string, unknown> | undefined;
    void stream.submit(
      { messages: added, context },
      {
        ...STREAM,
        optimisticValues: (state) => ({ ...state, context, messages: [...(state.messages ?? []), ...added] }),
      },
    );
  };

  const addFile = async (file: File): Promise<void> => {
    const data = btoa(String.fromCharCode(...new Uint8Array(await file.arrayBuffer())));
    const isImage = file.type.startsWith('image/');
    const metadata = isImage ? { name: file.name } : { filename: file.name };
    setBlocks((others) => [...others, { type: isImage ? 'image' : 'file', mimeType: file.type, data, metadata }]);
  };

  /** With the user's decision about a tool call, as the agent inbox does. */
  const decide = (type: string): void =>
    void stream.submit(
      {},
      { command: { resume: [{ type, args: text === '' ? null : (JSON.parse(text) as unknown) }] } },
    );

  return (
    <>
      <output data-part="server">{serverStatus}</output>
      <output data-part="thread">{threadId}</output>
      <ol data-part="threads">
        {threads.map(({ thread_id, values, status }) => (
          <li key={thread_id} data-id={thread_id} data-status={status}>
            {values?.messages?.[0] ? textOf(values.messages[0]) : thread_id}
          </li>
        ))}
      </ol>
      <button onClick={loadThreads}>Threads</button>
      <ol data-part="messages">
        {stream.messages.filter(isShown).map((message, index) => {
          const { firstSeenState, branch, branchOptions = [] } = stream.getMessagesMetadata(message) ?? {};
          const checkpoint = firstSeenState?.parent_checkpoint as Omit<Checkpoint, 'thread_id'> | null | undefined;
          const edit = (): void => {
            const edited = human(text);
            const before = firstSeenState?.values;
            void stream.submit(
              { messages: [edited] },
              {
                ...STREAM,
                checkpoint,
                optimisticValues: (state) =>
                  before ? { ...before, messages: [...(before.messages ?? []), edited] } : state,
              },
            );
          };
          const calls = message.type === 'ai' ? (message.tool_calls ?? []) : [];
          const components = (stream.values.ui ?? []).filter(({ metadata }) => metadata?.message_id === message.id);
          const place = branchOptions.indexOf(branch ?? '');
          return (
            <li
              key={message.id ?? index}
              data-id={message.id}
              data-type={message.type}
              data-calls={calls.map(({ name }) => name).join()}
              data-ui={components.map(({ name, props }) => `${name} ${JSON.stringify(props)}`).join()}
              data-branch={branch && `${place + 1}/${branchOptions.length}`}
            >
              <span data-text>{textOf(message)}</span>
              <button onClick={edit}>Edit {index}</button>
              <button onClick={() => void stream.submit(undefined, { ...STREAM, checkpoint })}>
                Regenerate {index}
              </button>
              <button onClick={() => stream.setBranch(branchOptions[place - 1])}>Previous {index}</button>
            </li>
          );
        })}
      </ol>
      <output data-part="status">{stream.isLoading ? 'loading' : 'idle'}</output>
      <output data-part="interrupt">{JSON.stringify(stream.interrupt?.value) ?? ''}</output>
      <output data-part="interrupt-id">{stream.interrupt?.id}</output>
      <output data-part="error">{stream.error instanceof Error ? stream.error.message : ''}</output>
      <input aria-label="Text" value={text} onChange={(event) => setText(event.target.value)} />
      <input aria-label="File" type="file" onChange={({ target }) => void addFile(target.files![0])} />
      <output data-part="files">{blocks.length}</output>
      <button onClick={send}>Send</button>
      <button onClick={() => void stream.stop()}>Stop</button>
      {['accept', 'edit', 'response', 'ignore'].map((type) => (
        <button key={type} onClick={() => decide(type)}>
          {type}
        </button>
      ))}
      <button onClick={() => void stream.submit({}, { command: { goto: '__end__' } })}>Resolve</button>
    </>
  );
}

createRoot(document.getElementById('root')!).render(<App settings={settings()} />);

// The calls of deep-agents-ui, also those that `useStream` makes for it, and what it reads from the answers.
import { beforeAll, expect, it } from '@jest/globals';
import type { Assistant, Message } from 'langgraph-sdk-newest';
import { Client } from 'langgraph-sdk-newest';
import { collect, connect, dataOf, type FileServer, newGate, newThread, type Part, readUntil } from '../support/sdk.js';

interface State extends Record<string, unknown> {
  messages: Message[];
  todos?: { content: string; status: string }[];
  files?: Record<string, string>;
  __interrupt__?: { value: unknown }[];
}

/** How `useStream` with `reconnectOnMount` reads what this page shows. */
const STREAM = {
  streamMode: ['values', 'messages-tuple'] as ('values' | 'messages-tuple')[],
  streamResumable: true,
  onDisconnect: 'continue' as const,
};

const call = (name: string, args: object): string => `${name} ${JSON.stringify(args)}`;

export function deepAgentsUi(server: FileServer): void {
  let client: Client;
  let assistant: Assistant;
  let thread_id: string;

  beforeAll(async () => {
    client = connect(Client, server.url, { 'Content-Type': 'application/json', 'X-Api-Key': 'key' });
    const assistants = await client.assistants.search({ graphId: 'agent', limit: 100 });
    assistant = assistants.find(({ metadata }) => metadata?.created_by === 'system')!;
  });

  const submit = (input: object | null | undefined, options: object = {}): Promise<Part[]> =>
    collect(client.runs.stream(thread_id, assistant.assistant_id, { input: input as null, ...STREAM, ...options }));
  const config = () => ({ ...assistant.config, recursion_limit: 100 });
  const messageOf = (content: string) => ({ messages: [{ id: crypto.randomUUID(), type: 'human', content }] });
  const send = (content: string): Promise<Part[]> => submit(messageOf(content), { config: config() });
  const openThread = async (): Promise<void> => {
    thread_id = await newThread(client);
  };

  /** What the page shows when it is opened: the newest state of ten. */
  const head = async () => (await client.threads.getHistory<State>(thread_id, { limit: 10 }))[0];
  const saidOn = ({ messages }: State): unknown[] => messages.map(({ content }) => content);
  const lastValues = (parts: Part[]): State => dataOf(parts, 'values').at(-1) as State;
  const streamedText = (parts: Part[]): string[] =>
    (dataOf(parts, 'messages') as [Message][])
      .filter(([{ type }]) => type === 'ai')
      .map(([{ content }]) => content as string);

  const listed = async (options: object = {}) => {
    const sorting = { sortBy: 'updated_at', sortOrder: 'desc' } as const;
    const metadata = { assistant_id: assistant.assistant_id };
    const threads = await client.threads.search<State>({ limit: 20, offset: 0, ...sorting, metadata, ...options });
    return threads.map(({ thread_id, status, values }) => ({ thread_id, status, title: saidOn(values)[0] }));
  };

  it('finds the default assistant of a graph, and an assistant by its id', async () => {
    expect(assistant).toMatchObject({ graph_id: 'agent', config: {}, metadata: { created_by: 'system' } });
    expect(await client.assistants.get(assistant.assistant_id)).toEqual(assistant);
    await expect(client.assistants.get(crypto.randomUUID())).rejects.toMatchObject({ status: 404 });
  });

  it('sends messages, shows the answer word by word, and lists the thread first', async () => {
    await openThread();
    await send('parrots');
    const other = thread_id;
    await openThread();
    const parts = await send('two cats');
    expect(streamedText(parts).filter((text) => text !== '')).toEqual(['You ', 'said ', 'two ', 'cats.']);
    expect(saidOn(lastValues(parts))).toEqual(['two cats', 'You said two cats.']);
    expect((await head()).values.messages).toEqual(lastValues(parts).messages);

    const [first, second] = await listed();
    expect(first).toEqual({ thread_id, status: 'idle', title: 'two cats' });
    expect(second).toEqual({ thread_id: other, status: 'idle', title: 'parrots' });
    expect(await listed({ offset: 20 })).toEqual([]);
  });

  it('shows todos and files, and the agent continues with an edited file', async () => {
    await openThread();
    const todos = [{ content: 'Feed the parrots', status: 'in_progress' }];
    expect(lastValues(await send(call('write_todos', { todos }))).todos).toEqual(todos);
    const { files } = lastValues(await send(call('write_file', { path: 'cage.md', content: 'closed' })));
    expect(files).toEqual({ 'cage.md': 'closed' });

    await client.threads.updateState(thread_id, { values: { files: { ...files, 'cage.md': 'open' } } });
    expect((await head()).values).toMatchObject({ files: { 'cage.md': 'open' }, todos });
    const parts = await send(call('write_file', { path: 'food.md', content: 'seeds' }));
    expect(lastValues(parts).files).toEqual({ 'cage.md': 'open', 'food.md': 'seeds' });
  });

  it('shows the call of a subagent with its result, without the words of the subagent', async () => {
    await openThread();
    const parts = await send(call('task', { description: 'find parrots' }));
    const { messages } = lastValues(parts);
    expect(messages).toMatchObject([
      { type: 'human' },
      { type: 'ai', tool_calls: [{ name: 'task', args: { description: 'find parrots' } }] },
      { type: 'tool', name: 'task', content: 'You said find parrots.' },
      { type: 'ai', content: 'The tool returned: You said find parrots.' },
    ]);
    const [, { tool_calls }, { tool_call_id }] = messages as [
      Message,
      { tool_calls: object[] },
      { tool_call_id: string },
    ];
    expect(tool_calls).toMatchObject([{ id: tool_call_id }]);
    expect(streamedText(parts).join('')).toBe('The tool returned: You said find parrots.');
  });

  it.each([
    ['approves', { type: 'approve' }, ['Sent to parrots.', 'The tool returned: Sent to parrots.']],
    ['rejects', { type: 'reject', message: 'Not now.' }, ['Not now.', 'The tool returned: Not now.']],
  ])('%s a tool call', async (_, decision, expected) => {
    await openThread();
    const [asked] = lastValues(await send(call('send_mail', { to: 'parrots' }))).__interrupt__!;
    const request = { name: 'send_mail', args: { to: 'parrots' }, description: 'May this mail be sent?' };
    expect(asked.value).toMatchObject({
      actionRequests: [request],
      reviewConfigs: [{ actionName: 'send_mail', allowedDecisions: ['approve', 'edit', 'reject'] }],
    });
    expect((await head()).tasks.at(-1)?.interrupts).toEqual([asked]);
    expect(await listed({ status: 'interrupted' })).toContainEqual(expect.objectContaining({ thread_id }));

    const parts = await submit(null, { command: { resume: { decisions: [decision] } } });
    expect(saidOn(lastValues(parts)).slice(2)).toEqual(expected);
    expect(await listed({ status: 'interrupted' })).not.toContainEqual(expect.objectContaining({ thread_id }));
  });

  it('shows why a decision is refused', async () => {
    await openThread();
    await send(call('send_mail', { to: 'parrots' }));
    // This page edits in the form of the Python middleware, which the agent of this test does not know.
    const edit = { type: 'edit', edited_action: { name: 'send_mail', args: { to: 'cats' } } };
    const [{ message }] = dataOf(
      await submit(null, { command: { resume: { decisions: [edit] } } }),
      'error',
    ) as Error[];
    expect(message).toMatch(/^Invalid edited action for tool "send_mail"/);
    expect((await head()).tasks.at(-1)?.error).toContain(message);
    expect(await listed({ status: 'error' })).toContainEqual(expect.objectContaining({ thread_id }));
  });

  it('runs the agent step by step, and once more from a checkpoint', async () => {
    await openThread();
    const step = { config: assistant.config, interruptBefore: ['tools'] };
    await submit(messageOf(call('write_file', { path: 'cage.md', content: 'closed' })), step);
    const before = await head();
    expect([before.next, saidOn(before.values)]).toEqual([['tools'], [expect.any(String), '']]);

    await submit(undefined, { config: config(), interruptAfter: ['tools'] });
    const after = await head();
    expect([after.next, after.values.files]).toEqual([['model_request'], { 'cage.md': 'closed' }]);

    const { thread_id: _thread, ...checkpoint } = before.checkpoint;
    await submit(undefined, { config: assistant.config, checkpoint, interruptAfter: ['tools'] });
    const [again, fork] = await client.threads.getHistory<State>(thread_id, { limit: 10 });
    expect(again).toMatchObject({ next: ['model_request'], parent_checkpoint: fork.checkpoint });
    expect(fork).toMatchObject({ metadata: { source: 'fork' }, parent_checkpoint: checkpoint });
    expect(again.checkpoint.checkpoint_id).not.toBe(after.checkpoint.checkpoint_id);
  });

  it('reads a run from its beginning after the page was reloaded', async () => {
    await openThread();
    let run_id = '';
    const stream = client.runs.stream(thread_id, assistant.assistant_id, {
      input: messageOf('parrots'),
      ...STREAM,
      onRunCreated: (run) => (run_id = run.run_id),
    });
    await readUntil(stream, 'metadata');
    const parts = await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
    expect(parts[0]).toMatchObject({ event: 'metadata', data: { run_id } });
    expect(streamedText(parts).join('')).toBe('You said parrots.');
    expect(saidOn(lastValues(parts))).toEqual(['parrots', 'You said parrots.']);
  });

  it('stops a run', async () => {
    await openThread();
    const leaving = new AbortController();
    let run_id = '';
    const stream = client.runs.stream(thread_id, assistant.assistant_id, {
      input: messageOf(call('wait', { gate: newGate().path })),
      ...STREAM,
      signal: leaving.signal,
      onRunCreated: (run) => (run_id = run.run_id),
    });
    await readUntil(stream, 'messages');
    leaving.abort();
    await client.runs.cancel(thread_id, run_id, true);
    expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'interrupted' });
    expect(saidOn((await head()).values)[0]).toMatch(/^wait /);
  });

  it('marks a thread as resolved', async () => {
    await openThread();
    await send(call('send_mail', { to: 'parrots' }));
    await submit(null, { command: { goto: '__end__', update: null } });
    const [{ status }] = (await listed()).filter((thread) => thread.thread_id === thread_id);
    expect(status).toBe('interrupted');
  });
}

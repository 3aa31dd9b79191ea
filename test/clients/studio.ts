// What LangGraph Studio asks a server on the user's machine, from its page in a browser, and what it shows of the answers.
import { beforeAll, expect, it } from '@jest/globals';
import type { Checkpoint, ThreadState } from 'langgraph-sdk-newest';
import { Client } from 'langgraph-sdk-newest';
import { collect, dataOf, type FileServer, names, newThread, type Part } from '../support/sdk.js';

const ORIGIN = 'https://smith.langchain.com';

/** How Studio runs a graph. */
const STREAM = {
  streamMode: ['debug', 'messages', 'values'],
  streamSubgraphs: true,
  streamResumable: true,
  onDisconnect: 'continue',
  multitaskStrategy: 'rollback',
  interruptBefore: [],
  interruptAfter: [],
  metadata: { from_studio: true },
} as const;

const listOf = (header: string | null): string[] => (header ?? '').split(',').map((name) => name.trim().toLowerCase());

/** A request as a browser makes it for this page: it asks first, refuses what the server does not allow, and hides headers. */
async function fetchAsBrowser(input: string, init: RequestInit = {}): Promise<Response> {
  const { method = 'GET' } = init;
  const headers = new Headers(init.headers);
  const preflight = await fetch(input, {
    method: 'OPTIONS',
    headers: {
      origin: ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': [...headers.keys()].sort().join(','),
      'access-control-request-private-network': 'true',
    },
  });
  const granted = preflight.headers;
  expect([preflight.ok, granted.get('access-control-allow-origin')]).toEqual([true, ORIGIN]);
  expect(granted.get('access-control-allow-private-network')).toBe('true');
  expect(listOf(granted.get('access-control-allow-methods'))).toContain(method.toLowerCase());
  expect(listOf(granted.get('access-control-allow-headers'))).toEqual(expect.arrayContaining([...headers.keys()]));

  headers.set('origin', ORIGIN);
  const response = await fetch(input, { ...init, method, headers });
  expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  const shown = [...listOf(response.headers.get('access-control-expose-headers')), 'content-type'];
  return new Response(response.body, {
    status: response.status,
    headers: [...response.headers].filter(([name]) => shown.includes(name)),
  });
}

interface State extends Record<string, unknown> {
  path: string[];
}

export function studio(server: FileServer): void {
  let client: Client;

  beforeAll(() => {
    client = new Client({
      apiUrl: server.url,
      apiKey: null,
      defaultHeaders: { 'x-auth-scheme': 'langsmith', 'x-user-id': 'ada', 'x-tenant-id': 'parrots' },
      callerOptions: { maxRetries: 0, fetch: fetchAsBrowser as typeof fetch },
    });
  });

  const get = async (path: string): Promise<unknown> => (await fetchAsBrowser(`${server.url}${path}`)).json();

  const run = (thread_id: string, graph: string, payload: object): Promise<Part[]> =>
    collect(client.runs.stream(thread_id, graph, { ...STREAM, ...payload } as object));

  const idOf = ({ checkpoint }: ThreadState): string => checkpoint.checkpoint_id!;
  /** The checkpoint of a state without its thread, which is in the path. */
  const place = ({ checkpoint }: ThreadState): Checkpoint => ({ ...checkpoint, thread_id: undefined }) as never;

  /** A thread of `nested`, which waits in its subgraph. */
  const startNested = async (): Promise<{ thread_id: string; parts: Part[] }> => {
    const { assistant_id } = (await client.assistants.search({ graphId: 'nested' }))[0];
    const { thread_id } = await client.threads.create({ metadata: { assistant_id, graph_id: 'nested' } });
    return { thread_id, parts: await run(thread_id, assistant_id, { input: { path: [] } }) };
  };

  it('connects to a server on this machine, which says what it can do', async () => {
    expect(await get('/ok')).toMatchObject({ ok: true });
    expect(await get('/info')).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      langgraph_js_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      context: 'js',
      flags: { assistants: true, crons: true, langsmith: false },
    });
  });

  it('lists the graphs, and draws one with its subgraphs', async () => {
    const assistants = await client.assistants.search({ limit: 100 });
    const graphs = assistants.filter(({ metadata }) => metadata?.created_by === 'system');
    expect(graphs.map(({ graph_id }) => graph_id).sort()).toEqual(['agent', 'ask', 'inbox', 'nested']);
    const { assistant_id } = graphs.find(({ graph_id }) => graph_id === 'nested')!;
    expect(await client.assistants.get(assistant_id)).toMatchObject({ graph_id: 'nested', version: 1 });
    const { nodes, edges } = await client.assistants.getGraph(assistant_id, { xray: true });
    expect(nodes.map(({ id }) => id).sort()).toEqual([
      '__end__',
      '__start__',
      'before',
      'child:inner',
      'child:question',
    ]);
    expect(edges).toContainEqual(expect.objectContaining({ source: 'before', target: 'child:inner' }));
  });

  it('shows forms for the input of a graph', async () => {
    const fields = { messages: { langgraph_type: 'messages' }, todos: { type: 'array' }, files: { type: 'object' } };
    expect(await client.assistants.getSchemas('agent')).toMatchObject({
      graph_id: 'agent',
      input_schema: { properties: fields },
      output_schema: { properties: fields },
      state_schema: { properties: fields },
    });
  });

  // The TypeScript compiler reads these from the source, which takes its time on a busy machine.
  it('shows forms for the state of a subgraph', async () => {
    const properties = { path: { type: 'array', items: { type: 'string' } } };
    const subgraphs = await client.assistants.getSubgraphs('nested', { recurse: true });
    expect(subgraphs).toMatchObject({ child: { input_schema: { properties }, state_schema: { properties } } });
  }, 120_000);

  it('runs a graph step by step through its subgraph, answers it, and shows the history', async () => {
    const { thread_id, parts } = await startNested();
    const tasks = (dataOf(parts, 'debug') as { type: string; payload: { name: string } }[])
      .filter(({ type }) => type === 'task')
      .map(({ payload }) => payload.name);
    expect(tasks).toEqual(['before', 'child']);
    expect(names(parts).some((event) => event.startsWith('debug|child:'))).toBe(true);
    expect(dataOf(parts, 'values').at(-1)).toMatchObject({ __interrupt__: [{ value: 'inner?' }] });

    const state = await client.threads.getState<State>(thread_id, undefined, { subgraphs: true });
    expect(state.tasks).toMatchObject([
      { name: 'child', interrupts: [{ value: 'inner?' }], state: { values: { path: ['before', 'inner'] } } },
    ]);
    const [listed] = await client.threads.search({ metadata: { graph_id: 'nested' }, status: 'interrupted', limit: 1 });
    expect(listed).toMatchObject({ thread_id, values: { path: ['before'] } });

    await run(thread_id, 'nested', { command: { resume: 'parrots' }, checkpoint: place(state) });
    const history = await client.threads.getHistory<State>(thread_id, { limit: 1000 });
    expect(history[0]).toMatchObject({
      values: { path: ['before', 'before', 'inner', 'answer:parrots'] },
      next: [],
      tasks: [],
    });
    history.slice(0, -1).forEach((state, at) => {
      expect(state.parent_checkpoint?.checkpoint_id).toBe(idOf(history[at + 1]));
    });
    expect((await client.runs.list(thread_id)).map(({ status, metadata }) => [status, metadata?.from_studio])).toEqual([
      ['success', true],
      ['success', true],
    ]);
  });

  it('edits the state at a checkpoint, and runs from the fork', async () => {
    const { thread_id } = await startNested();
    await run(thread_id, 'nested', { command: { resume: 'parrots' } });
    const history = await client.threads.getHistory<State>(thread_id, { limit: 1000 });
    const before = history.find(({ next }) => next[0] === 'child')!;
    const forked: unknown = await client.threads.updateState(thread_id, {
      values: { path: ['edited'] },
      asNode: 'before',
      checkpoint: place(before),
    });
    const [edited] = await client.threads.getHistory<State>(thread_id, { limit: 1 });
    expect(edited).toMatchObject({
      values: { path: ['before', 'edited'] },
      next: ['child'],
      parent_checkpoint: { checkpoint_id: idOf(before) },
      metadata: { source: 'update' },
    });
    expect(forked).toMatchObject({ checkpoint: edited.checkpoint });
    const parts = await run(thread_id, 'nested', { input: null, checkpoint: place(edited) });
    expect(dataOf(parts, 'values').at(-1)).toMatchObject({ __interrupt__: [{ value: 'inner?' }] });
    // The branch that was left is still there.
    const states = await client.threads.getHistory<State>(thread_id, { limit: 1000 });
    expect(states.filter(({ parent_checkpoint }) => parent_checkpoint?.checkpoint_id === idOf(before))).toHaveLength(2);
  });

  it('edits the state of a subgraph that waits', async () => {
    const { thread_id } = await startNested();
    const { tasks } = await client.threads.getState<State>(thread_id, undefined, { subgraphs: true });
    await client.threads.updateState(thread_id, { values: { path: ['edited'] }, checkpoint: place(tasks[0].state!) });
    const { tasks: after } = await client.threads.getState<State>(thread_id, undefined, { subgraphs: true });
    expect(after[0].state?.values).toEqual({ path: ['before', 'inner', 'edited'] });
  });

  it('stops at breakpoints, and continues', async () => {
    const thread_id = await newThread(client);
    await run(thread_id, 'ask', { input: { question: 'why?' }, interruptBefore: '*' });
    expect(await client.threads.getState(thread_id)).toMatchObject({ next: ['ask'] });
    const parts = await run(thread_id, 'ask', { input: null });
    expect(dataOf(parts, 'values').at(-1)).toMatchObject({ __interrupt__: [{ value: { question: 'why?' } }] });
  });

  it('streams the words of a chat', async () => {
    const thread_id = await newThread(client);
    const parts = await run(thread_id, 'agent', { input: { messages: [{ type: 'human', content: 'two parrots' }] } });
    const texts = (dataOf(parts, 'messages/partial') as [{ content: string }][]).map(([{ content }]) => content);
    expect(texts.at(-1)).toBe('You said two parrots.');
    expect(texts.length).toBeGreaterThan(2);
  });

  it('manages the assistants of a graph', async () => {
    const { assistant_id } = await client.assistants.create({
      graphId: 'ask',
      name: 'Strict',
      config: { recursion_limit: 5 },
      metadata: { owner: 'ada' },
    });
    await client.assistants.update(assistant_id, { name: 'Stricter', config: { recursion_limit: 3 } });
    expect((await client.assistants.getVersions(assistant_id)).map(({ version }) => version)).toEqual([2, 1]);
    expect(await client.assistants.setLatest(assistant_id, 1)).toMatchObject({ version: 1, name: 'Strict' });
    expect((await client.assistants.search({ graphId: 'ask' })).map(({ name }) => name).sort()).toEqual([
      'Strict',
      'ask',
    ]);
    await client.assistants.delete(assistant_id);
    await expect(client.assistants.get(assistant_id)).rejects.toMatchObject({ status: 404 });
  });

  it('shows and edits what the store holds', async () => {
    const { store } = client;
    await store.putItem(['birds', 'parrots'], 'polly', { age: 3 });
    expect(await store.listNamespaces({ prefix: ['birds'] })).toEqual({ namespaces: [['birds', 'parrots']] });
    const { items } = await store.searchItems(['birds'], { limit: 10 });
    expect(items).toMatchObject([{ key: 'polly', value: { age: 3 } }]);
    await store.putItem(['birds', 'parrots'], 'polly', { age: 4 });
    expect(await store.getItem(['birds', 'parrots'], 'polly')).toMatchObject({ value: { age: 4 } });
    await store.deleteItem(['birds', 'parrots'], 'polly');
    expect((await store.searchItems(['birds'])).items).toEqual([]);
  });

  it('deletes a thread', async () => {
    const { thread_id } = await startNested();
    await client.threads.delete(thread_id);
    await expect(client.threads.get(thread_id)).rejects.toMatchObject({ status: 404 });
    expect(await client.threads.search({ ids: [thread_id] })).toEqual([]);
  });
}

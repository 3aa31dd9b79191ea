import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemorySaver, Command } from '@langchain/langgraph';
import * as graphs from '../graphs/results.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  type Client,
  collect,
  connect,
  dataOf,
  names,
  newThread,
  type Part,
  readUntil,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

const OPTIONS = { args: ['--config', 'results.json'], env: { NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true' } };
const server = serverForFile(OPTIONS);
const other = server.beside(OPTIONS);
const [[, Client]] = SDKS;

interface Interrupt {
  id: string;
  value: unknown;
}

type Result = Record<string, unknown> & { __interrupt__?: Interrupt[] };
type Payload = NonNullable<Parameters<Client['runs']['wait']>[2]>;
type GraphName = Exclude<keyof typeof graphs, 'throwing' | 'messages' | 'deaf'>;

interface InProcess {
  checkpointer?: unknown;
  streamChannels?: unknown;
  invoke(input: unknown, config: object): Promise<Result>;
  getState(config: object): Promise<{ values: unknown }>;
}

/** The graph itself, in this process: what LangGraph makes of it decides. */
const inProcess = (name: GraphName) => {
  const graph = Object.assign(Object.create(graphs[name] as object) as InProcess, { checkpointer: new MemorySaver() });
  const configurable = { thread_id: '1' };
  return {
    // Contract 1.3: the whole state, also where the graph has an output schema.
    invoke: (input: unknown, config: object = {}): Promise<Result> =>
      graph.invoke(input, { configurable, outputKeys: graph.streamChannels, ...config }),
    values: async (): Promise<unknown> => (await graph.getState({ configurable })).values,
  };
};

/** As text, in one order: ids differ from thread to thread, and parallel tasks finish in any order. */
const valuesOf = (interrupts: Interrupt[] | undefined): string[] | undefined =>
  interrupts?.map(({ value }) => JSON.stringify(value)).sort();

const comparable = ({ __interrupt__: interrupts, ...values }: Result): unknown => ({
  values: '__end__' in values ? values.__end__ : values,
  interrupts: valuesOf(interrupts),
});

/** In one order: a thread has its interrupts by task, and PostgreSQL orders the tasks. */
const inOrder = (interrupts: unknown[] | undefined = []): Interrupt[] =>
  (interrupts as Interrupt[]).toSorted((one, other) => one.id.localeCompare(other.id));

const CASES: [kind: string, graph: GraphName, input: Record<string, unknown>, payload: Payload][] = [
  ['with an output schema', 'output', { question: 'q' }, {}],
  ['that stops before a node', 'output', { question: 'q' }, { interruptBefore: ['two'] }],
  ['that stops after a node', 'output', { question: 'q' }, { interruptAfter: ['one'] }],
  ['with parallel interrupts', 'parallel', {}, {}],
  ['with parallel interrupts and durability exit', 'parallel', {}, { durability: 'exit' }],
  ['with Sends that interrupt', 'sends', {}, {}],
  ['with interrupts in a subgraph', 'nested', {}, {}],
  ['of the functional API', 'workflow', {}, {}],
  ['with an untracked value', 'untracked', { kept: '' }, {}],
];

describe('the result of a graph', () => {
  let here: Client;
  let there: Client;
  let receiver: Receiver;

  beforeAll(async () => {
    here = connect(Client, server.url);
    there = connect(Client, other.url);
    receiver = await startReceiver();
  });
  afterAll(() => receiver.close());

  /** A run that both servers join before it begins, and again after its end. */
  const runJoined = async (graph: string, payload: object) => {
    const thread_id = await newThread(here);
    const webhook = `${receiver.url}/${thread_id}`;
    const { run_id } = await here.runs.create(thread_id, graph, { ...payload, webhook, afterSeconds: 1 });
    const join = (client: Client): Promise<Result> => client.runs.join(thread_id, run_id) as Promise<Result>;
    const early = await Promise.all([join(here), join(there)]);
    const [{ payload: hook }] = await receiver.until(({ path }) => path === `/${thread_id}`);
    const [thread, state] = await Promise.all([here.threads.get(thread_id), there.threads.getState(thread_id)]);
    const late = await Promise.all([join(here), join(there)]);
    return { thread_id, run_id, results: [...early, ...late], hook, thread, state, join };
  };

  describe.each(CASES)('%s', (_, graph, input, payload) => {
    const expected = async () => {
      const { interruptBefore, interruptAfter } = payload;
      const local = inProcess(graph);
      // A workflow that waits has returned nothing yet.
      const { __interrupt__, ...invoked } = (await local.invoke(input, { interruptBefore, interruptAfter })) ?? {};
      const values = await local.values();
      const asked = __interrupt__ && { __interrupt__ };
      // LangGraph emits no values for an input that names no channel; the state has them nevertheless.
      const result = Object.keys(invoked).length > 0 ? invoked : (values as object);
      return { values, emitted: comparable({ ...invoked, ...asked }), result: comparable({ ...result, ...asked }) };
    };

    it('is what LangGraph returns, for every client that joins the run at any time', async () => {
      const { results } = await runJoined(graph, { input, ...payload });
      expect(comparable(results[0])).toEqual((await expected()).result);
      expect(results).toEqual(results.map(() => results[0]));
    });

    it('is what wait returns', async () => {
      const result = (await here.runs.wait(await newThread(here), graph, { input, ...payload })) as Result;
      expect(comparable(result)).toEqual((await expected()).result);
    });

    it('is what a stream ends with', async () => {
      const thread_id = await newThread(here);
      const parts = await collect(here.runs.stream(thread_id, graph, { input, ...payload, streamMode: 'values' }));
      const events = dataOf(parts, 'values') as (Result | null)[];
      const interrupts = events.flatMap((event) => event?.__interrupt__ ?? []);
      const stopped = events.some((event) => event && '__interrupt__' in event);
      const last = events.filter((event) => !(event && '__interrupt__' in event)).at(-1) ?? {};
      expect({ values: last, interrupts: stopped ? valuesOf(interrupts) : undefined }).toEqual(
        (await expected()).emitted,
      );
    });

    it('is on the thread, in its state and in the webhook, as far as LangGraph stores it', async () => {
      const { hook, thread, state, results } = await runJoined(graph, { input, ...payload });
      const { values } = await expected();
      expect([thread.values, state.values, hook.values]).toEqual([values, values, values ?? {}]);
      const pending = results[0].__interrupt__;
      expect(inOrder(Object.values(thread.interrupts).flat())).toEqual(inOrder(pending));
      expect((state as { interrupts?: Interrupt[] }).interrupts).toEqual(pending ?? []);
      expect(state.tasks.flatMap(({ interrupts }) => interrupts)).toEqual(pending ?? []);
      expect(thread.status).toBe(pending ? 'interrupted' : 'idle');
    });

    it('of a stateless run is the same, and is kept for clients that join it', async () => {
      const { run_id } = await here.runs.create(null, graph, { input, ...payload, afterSeconds: 1 });
      const join = async ({ url }: { url: string }): Promise<Result> =>
        (await (await fetch(`${url}/runs/${run_id}/join`)).json()) as Result;
      const early = await Promise.all([join(server), join(other)]);
      expect(comparable(early[0])).toEqual((await expected()).emitted);
      expect([...early, await join(server), await join(other)]).toEqual([early[0], early[0], early[0], early[0]]);
    });
  });

  describe('when some interrupts are resumed', () => {
    const pendingOf = async (thread_id: string): Promise<Interrupt[][]> => {
      const [thread, state] = await Promise.all([here.threads.get(thread_id), here.threads.getState(thread_id)]);
      return [
        inOrder(Object.values(thread.interrupts).flat()),
        inOrder((state as { interrupts?: Interrupt[] }).interrupts),
      ];
    };

    it.each([
      ['parallel', '"x"'],
      ['parallel', '"quiet"'],
      ['sends', '"number 2"'],
      ['nested', '"x"'],
    ] as const)('names those of %s that still wait when %s is answered, and then none', async (graph, answered) => {
      const { thread_id, results, join, run_id } = await runJoined(graph, { input: {} });
      const all = results[0].__interrupt__!;
      const [named] = all.filter(({ value }) => JSON.stringify(value) === answered);

      const resumed = (await here.runs.wait(thread_id, graph, {
        command: { resume: { [named.id]: 'yes' } },
      })) as Result;
      const local = inProcess(graph);
      const first = await local.invoke({});
      const [namedLocally] = first.__interrupt__!.filter(({ value }) => JSON.stringify(value) === answered);
      const second = await local.invoke(new Command({ resume: { [namedLocally.id]: 'yes' } }));
      expect(comparable(resumed)).toEqual(comparable(second));

      const left = all.filter(({ id }) => id !== named.id);
      expect(valuesOf(resumed.__interrupt__)).toEqual(valuesOf(left));
      const waiting = inOrder(resumed.__interrupt__);
      expect(await pendingOf(thread_id)).toEqual([waiting, waiting]);
      const thread = await here.threads.get(thread_id);
      expect(thread.values).toEqual(await local.values());
      expect(await join(there)).toEqual(results[0]);

      const resume = Object.fromEntries(resumed.__interrupt__!.map(({ id }) => [id, 'yes']));
      const done = (await here.runs.wait(thread_id, graph, { command: { resume } })) as Result;
      expect(done).not.toHaveProperty('__interrupt__');
      expect(await pendingOf(thread_id)).toEqual([[], []]);
      expect((await here.threads.get(thread_id)).values).toEqual(done);
      expect(await here.runs.join(thread_id, run_id)).toEqual(results[0]);
    });
  });

  it('does not change when the thread continues or its checkpoints are deleted', async () => {
    const { thread_id, run_id, results } = await runJoined('output', { input: { question: 'q' } });
    await here.runs.wait(thread_id, 'output', { input: { question: 'another' } });
    await here.threads.prune([thread_id], { strategy: 'keep_latest' });
    expect(await there.runs.join(thread_id, run_id)).toEqual(results[0]);
  });

  describe('that fails', () => {
    it('is one error everywhere, beside the state that was stored', async () => {
      const { results, hook, thread, state } = await runJoined('failing', { input: {} });
      const error = { error: 'RangeError', message: 'too far' };
      expect(results).toEqual(results.map(() => ({ __error__: error })));
      expect([thread.status, (thread as { error?: unknown }).error, hook.error]).toEqual(['error', error, error]);
      expect([thread.values, hook.values]).toEqual([state.values, state.values]);
      expect(state.tasks.map((task) => task.error)).toContain('RangeError: too far');
      const parts = await collect(here.runs.stream(await newThread(here), 'failing', { input: {} }));
      expect(dataOf(parts, 'error')).toEqual([error]);
    });
  });

  describe('that is stopped and ignores its signal', () => {
    it('is its state, for every client that joins it at any time', async () => {
      const thread_id = await newThread(here);
      const webhook = `${receiver.url}/${thread_id}`;
      const stream = here.runs.stream(thread_id, 'deaf', { input: {}, streamMode: 'custom', webhook });
      await readUntil(stream as AsyncIterable<Part>, 'custom');
      const [{ run_id }] = await here.runs.list(thread_id);
      const join = (client: Client) => client.runs.join(thread_id, run_id);
      const early = [join(here), join(there)];
      await here.runs.cancel(thread_id, run_id, true);
      const results = [...(await Promise.all(early)), await join(here), await join(there)];
      expect(results).toEqual(results.map(() => ({ log: ['first'] })));
      const [{ payload }] = await receiver.until(({ path }) => path === `/${thread_id}`);
      const thread = await here.threads.get(thread_id);
      expect([thread.status, thread.values, payload.values]).toEqual(['idle', { log: ['first'] }, { log: ['first'] }]);

      await here.runs.wait(thread_id, 'deaf', { command: { update: { log: ['later'] } } });
      expect((await here.threads.get(thread_id)).values).toEqual({ log: ['first', 'later'] });
      expect(await join(there)).toEqual({ log: ['first'] });
    });

    it('of a stateless run is kept as well', async () => {
      const stream = here.runs.stream(null, 'deaf', { input: {}, streamMode: 'custom' });
      const parts: Part[] = [];
      for await (const part of stream as AsyncIterable<Part>) {
        parts.push(part);
        if (part.event === 'custom') {
          break;
        }
      }
      const { run_id } = parts[0].data as { run_id: string };
      const join = async ({ url }: { url: string }) => (await fetch(`${url}/runs/${run_id}/join`)).json();
      const early = [join(server), join(other)];
      await fetch(`${server.url}/runs/cancel?action=interrupt`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status: 'running' }),
      });
      const results = [...(await Promise.all(early)), await join(server), await join(other)];
      expect(results).toEqual(results.map(() => ({ log: ['first'] })));
    });
  });
});

describe('objects with members in an order', () => {
  const form = { zulu: 1, bb: 'two', alpha: { y: [{ d: 1, c: 2 }], x: null } };

  it('keep it in interrupts and values, wherever a client reads them', async () => {
    const client = connect(Client, server.url);
    const thread_id = await newThread(client);
    const inOneOrder = (...found: unknown[]): void =>
      expect(found.map((one) => JSON.stringify(one))).toEqual(found.map(() => JSON.stringify(form)));

    const result = (await client.runs.wait(thread_id, 'form', { input: { form } })) as Result;
    const [thread, [found], state] = await Promise.all([
      client.threads.get(thread_id),
      client.threads.search({ ids: [thread_id] }),
      client.threads.getState<{ form: object }>(thread_id),
    ]);
    inOneOrder(...[thread, found].map(({ values }) => (values as { form: object }).form), state.values.form);
    inOneOrder(
      result.__interrupt__?.[0].value,
      state.tasks[0].interrupts[0].value,
      ...[thread, found].map(({ interrupts }) => Object.values(interrupts)[0][0].value),
    );

    await client.runs.wait(thread_id, 'form', { command: { resume: form } });
    const copy = await client.threads.copy(thread_id);
    const values = await Promise.all([thread_id, copy.thread_id].map((id) => client.threads.get(id)));
    inOneOrder(...values.map((one) => (one.values as { reviewed: object }).reviewed));
    await client.threads.updateState(thread_id, { values: { reviewed: form } });
    inOneOrder(((await client.threads.get(thread_id)).values as { reviewed: object }).reviewed);
  });
});

describe('what user code throws', () => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  it.each([
    'string',
    'null',
    'number',
    'object',
    'nameless',
    'speechless',
    'structured',
    'frozen',
    'getters',
    'proxy',
    'nul',
  ])('is two strings for clients, and one in the state: %s', async (kind) => {
    const thread_id = await newThread(client);
    const strings = { error: expect.stringMatching(/./), message: expect.any(String) };
    const parts = await collect(client.runs.stream(thread_id, 'throwing', { input: { kind } }));
    expect(parts.at(-1)).toMatchObject({ event: 'error', data: strings });
    const [{ run_id, status }] = await client.runs.list(thread_id);
    expect(status).toBe('error');
    expect(await client.runs.join(thread_id, run_id)).toEqual({ __error__: parts.at(-1)!.data });
    const { error } = (await client.threads.get(thread_id)) as { error?: unknown };
    expect(error).toEqual(parts.at(-1)!.data);
    const { tasks } = await client.threads.getState(thread_id);
    tasks.forEach((task) => expect([null, expect.any(String)]).toContainEqual(task.error));
    await expect(client.runs.wait(thread_id, 'throwing', { input: { kind } })).rejects.toThrow();
    await expect(client.runs.wait(null, 'throwing', { input: { kind } })).rejects.toThrow();
  });
});

describe('messages of nodes', () => {
  const stream = (mode: 'messages' | 'messages-tuple') =>
    collect(connect(Client, server.url).runs.stream(null, 'messages', { input: { messages: [] }, streamMode: mode }));
  const idOf = (message: unknown): string => (message as { id: string }).id;

  it('are shown by mode messages when they are whole, and removals are not', async () => {
    const parts = (await stream('messages')).filter(({ event }) => event.startsWith('messages/'));
    expect(names(parts)).toEqual(['messages/metadata', 'messages/complete', 'messages/metadata', 'messages/complete']);
    expect((dataOf(parts, 'messages/complete') as unknown[][]).flat().map(idOf)).toEqual(['system', 'short']);
    expect(dataOf(parts, 'messages/metadata').flatMap((data) => Object.keys(data as object))).toEqual([
      'system',
      'short',
    ]);
  });

  it('are passed on by mode messages-tuple, where clients apply removals', async () => {
    const data = dataOf(await stream('messages-tuple'), 'messages') as [{ id: string; type: string }, object][];
    expect(data.map(([{ id, type }]) => [id, type])).toEqual([
      ['system', 'system'],
      ['__remove_all__', 'remove'],
      ['short', 'ai'],
    ]);
  });
});

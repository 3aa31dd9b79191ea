import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Annotation,
  Command,
  END,
  GraphInterrupt,
  isGraphInterrupt,
  MemorySaver,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';
import { graph as ask } from '../graphs/ask.js';
import { graph as nested } from '../graphs/nested.js';
import { graph as steps } from '../graphs/steps.js';
import { noteTestsOf } from '../support/note-calls.js';
import { type Client, connect, SDKS, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';

/** Another server, whose graph `far` is not for our callers. */
const far = createServer((_request, response) => {
  response.writeHead(403, { 'content-type': 'application/json' }).end('{"detail":"not for you"}');
}).listen(0, '127.0.0.1');
await once(far, 'listening');
afterAll(() => void far.close());

const server = serverForFile({ env: { FAR_URL: `http://127.0.0.1:${(far.address() as AddressInfo).port}` } });
noteTestsOf('RemoteGraph of @langchain/langgraph 1.7.3');

/** What LangGraph in this process and RemoteGraph have in common. */
interface Graph {
  invoke(input: unknown, config?: object): Promise<unknown>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  getState(config: object, options?: object): Promise<State>;
  getStateHistory(config: object, options?: object): AsyncIterable<State>;
  updateState(config: object, values: unknown, asNode?: string): Promise<Reference>;
}
interface Reference {
  configurable: Record<string, unknown>;
}
interface State {
  values: unknown;
  next: string[];
  tasks: { name: string; state?: unknown; interrupts: { value?: unknown }[]; error?: unknown; result?: unknown }[];
  metadata?: { step?: number; source?: string };
  config: Reference;
  parentConfig?: Reference;
  createdAt?: string;
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
};

/** Without what is different each time: ids, times, and the metadata that servers add to. */
const withoutIds = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (key === 'metadata' ? undefined : inner))
      .replace(/:[0-9a-f]{8}-[0-9a-f-]{27}/g, ':<task>')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
      .replace(/[0-9a-f]{32}/g, '<interrupt>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
  );

/** What both say of a state. */
const essence = ({ values, next, tasks, metadata }: State): object => ({
  values,
  next,
  step: metadata?.step,
  source: metadata?.source,
  tasks: tasks.map(({ name, interrupts, result }) => ({
    name,
    result: result ?? null,
    questions: interrupts.map(({ value }) => value),
  })),
});

describe.each(SDKS)('RemoteGraph with SDK %s', (_, Client) => {
  let client: Client;
  let thread: { configurable: { thread_id: string } };

  beforeAll(() => {
    client = connect(Client, server.url);
  });
  beforeEach(() => {
    thread = { configurable: { thread_id: randomUUID() } };
  });

  const remote = (graphId: string): Graph => new RemoteGraph({ graphId, client: client }) as never;
  /** The same graph on this server and in this process. */
  const both = (graphId: string, graph: { builder: { compile(options: object): unknown } }): [Graph, Graph] => [
    remote(graphId),
    graph.builder.compile({ checkpointer: new MemorySaver() }) as Graph,
  ];
  /** RemoteGraph leaves the stream at the question, or at the error: before the end of the run. */
  const settled = (): Promise<string> => {
    const { thread_id } = thread.configurable;
    const status = () =>
      client.threads.get(thread_id).then(
        ({ status }) => status,
        () => 'none here',
      );
    return askUntil(status, (now) => now !== 'busy');
  };
  /** Ends with the value, or with the questions of an interrupt. */
  const outcome = async (work: Promise<unknown>): Promise<unknown> => {
    try {
      return await work;
    } catch (error) {
      if (isGraphInterrupt(error)) {
        await settled();
        return { questions: error.interrupts.map(({ value }) => value as unknown) };
      }
      throw error;
    }
  };

  describe('runs a graph', () => {
    it('that has no thread', async () => {
      expect(await remote('steps').invoke({ path: ['begin'] })).toEqual({ path: ['begin', 'one', 'two', 'three'] });
    });

    it('on a thread, which is created when it does not exist, and which it continues', async () => {
      const graph = remote('steps');
      expect(await graph.invoke({}, thread)).toEqual({ path: ['one', 'two', 'three'] });
      expect(await graph.invoke({ path: ['again'] }, thread)).toEqual({
        path: ['one', 'two', 'three', 'again', 'one', 'two', 'three'],
      });
      expect(await client.threads.get(thread.configurable.thread_id)).toMatchObject({ status: 'idle' });
    });

    it('with settings, a context and tags', async () => {
      const config = { tags: ['t'], configurable: { tone: 'kind' }, metadata: { from: 'afar' } };
      expect(await remote('settings').invoke({}, config)).toMatchObject({
        configurable: { tone: 'kind' },
        tags: expect.arrayContaining(['t']),
        metadata: expect.objectContaining({ from: 'afar' }),
      });
      expect(await remote('settings').invoke({}, { context: { tone: 'rude' } })).toMatchObject({
        context: { tone: 'rude' },
      });
    });

    it('and hears why it has failed', async () => {
      await expect(remote('failing').invoke({}, thread)).rejects.toThrow(/broken|Error/);
      expect(await settled()).toBe('error');
    });

    it('not beyond where it is to stop', async () => {
      const graph = remote('steps');
      await outcome(graph.invoke({}, { ...thread, interruptBefore: ['two'] }));
      expect((await graph.getState(thread)).next).toEqual(['two']);
      await outcome(graph.invoke(null, { ...thread, interruptAfter: '*' }));
      expect((await graph.getState(thread)).next).toEqual(['three']);
      expect(await graph.invoke(null, thread)).toEqual({ path: ['one', 'two', 'three'] });
    });

    it('until it is aborted', async () => {
      const aborting = new AbortController();
      const stream = await remote('stubborn').stream({}, { ...thread, streamMode: 'custom', signal: aborting.signal });
      const reading = (async () => {
        for await (const _ of stream) {
          aborting.abort();
        }
      })();
      aborting.signal.addEventListener('abort', () => undefined);
      aborting.abort();
      await expect(reading).rejects.toThrow(/abort/i);
    });
  });

  describe('streams what LangGraph streams here', () => {
    it.each([
      ['values'],
      ['updates'],
      ['custom'],
      ['tasks'],
      [['values', 'updates']],
      [['updates', 'custom', 'tasks']],
    ])('with mode %j', async (streamMode) => {
      const [there, here] = both('steps', steps).map((graph) =>
        graph.stream({ path: ['b'] }, { ...thread, streamMode }),
      );
      expect(withoutIds(await collect(await there))).toEqual(withoutIds(await collect(await here)));
    });

    it.each([[true], [false]])('of subgraphs: %s', async (subgraphs) => {
      const options = { ...thread, streamMode: ['values'], subgraphs };
      const [there, here] = await Promise.all(
        both('nested', nested).map(async (graph) => {
          const events: unknown[] = [];
          const stream = await graph.stream({}, options);
          await outcome(collectInto(events, stream));
          return events;
        }),
      );
      // The interrupt is an exception there and an event here.
      expect(withoutIds(there)).toEqual(
        withoutIds(here.filter((event) => !JSON.stringify(event).includes('__interrupt__'))),
      );
    });

    it('as messages', async () => {
      const messages = { messages: [{ role: 'user', content: 'count' }] };
      const events = await collect(await remote('tokens').stream(messages, { ...thread, streamMode: 'messages' }));
      const texts = (events as [{ content: string }, { langgraph_node: string }][]).map(([{ content }]) => content);
      expect(texts.join('')).toBe('one two three four five');
      expect(events).toHaveLength(5);
    });

    const collectInto = async (events: unknown[], stream: AsyncIterable<unknown>): Promise<void> => {
      for await (const event of stream) {
        events.push(event);
      }
    };
  });

  describe('asks and answers', () => {
    it.each([
      ['at the top', 'ask', ask, { question: 'why?' }],
      ['in a subgraph', 'nested', nested, {}],
    ])('%s as LangGraph does here', async (_place, graphId, graph, input) => {
      const stories = await Promise.all(
        both(graphId, graph as never).map(async (one) => {
          await outcome(one.invoke(input, thread));
          const asked = essence(await one.getState(thread));
          const answer = await outcome(one.invoke(new Command({ resume: 'because' }), thread));
          return { asked, answer, after: essence(await one.getState(thread)) };
        }),
      );
      expect(stories[0]).toEqual(stories[1]);
    });

    it('with the question as an exception', async () => {
      const error = await remote('ask')
        .invoke({ question: 'why?' }, thread)
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      expect(error).toBeInstanceOf(GraphInterrupt);
      expect((error as GraphInterrupt).interrupts).toMatchObject([{ value: { question: 'why?' } }]);
    });

    it('shows the state of subgraphs as it is here', async () => {
      const states = await Promise.all(
        both('nested', nested).map(async (one) => {
          await outcome(one.invoke({}, thread));
          const { tasks } = await one.getState(thread, { subgraphs: true });
          return tasks.map(({ state }) => essence(state as State));
        }),
      );
      expect(states[0]).toEqual(states[1]);
      expect(states[0]).toMatchObject([{ values: { path: ['before', 'inner'] }, next: ['question'] }]);
    });

    it('reads and changes the state of a subgraph by the reference in its task', async () => {
      const graph = remote('nested');
      await outcome(graph.invoke({}, thread));
      const [{ state }] = (await graph.getState(thread)).tasks;
      const inside = state as Reference;
      expect(essence(await graph.getState(inside))).toMatchObject({ next: ['question'] });
      expect((await collect(graph.getStateHistory(inside))).length).toBeGreaterThan(1);
      await graph.updateState(inside, { path: ['changed'] }, 'inner');
      expect(await outcome(graph.invoke(new Command({ resume: 'yes' }), thread))).toEqual({
        path: expect.arrayContaining(['inner', 'changed', 'answer:yes']),
      });
    });
  });

  describe('travels in time', () => {
    it('through the same history as here', async () => {
      const histories = await Promise.all(
        both('steps', steps).map(async (graph) => {
          await graph.invoke({}, thread);
          return (await collect(graph.getStateHistory(thread))).map(essence);
        }),
      );
      expect(histories[0]).toEqual(histories[1]);
      expect(histories[0]).toHaveLength(5);
    });

    it('with a limit, a filter and a beginning', async () => {
      const graph = remote('steps');
      await graph.invoke({}, thread);
      const all = await collect(graph.getStateHistory(thread));
      const ids = (states: State[]) => states.map(({ config }) => config.configurable.checkpoint_id);
      expect(ids(await collect(graph.getStateHistory(thread, { limit: 2 })))).toEqual(ids(all.slice(0, 2)));
      expect(ids(await collect(graph.getStateHistory(thread, { before: all[1].config })))).toEqual(ids(all.slice(2)));
      expect(ids(await collect(graph.getStateHistory(thread, { filter: { source: 'input' } })))).toEqual(
        ids(all.slice(4)),
      );
      expect(all[0].parentConfig?.configurable.checkpoint_id).toBe(ids(all)[1]);
      expect(Date.parse(all[0].createdAt!)).toBeGreaterThan(Date.parse(all[4].createdAt!));
    });

    it('and continues from an earlier state with changes', async () => {
      const stories = await Promise.all(
        both('steps', steps).map(async (graph) => {
          await graph.invoke({}, thread);
          const past = (await collect(graph.getStateHistory(thread))).find(({ next }) => next[0] === 'three')!;
          expect(essence(await graph.getState(past.config))).toEqual(essence(past));
          const fork = await graph.updateState(past.config, { path: ['changed'] }, 'two');
          expect(fork.configurable.thread_id).toBe(thread.configurable.thread_id);
          const result = await graph.invoke(null, thread);
          return { result, now: essence(await graph.getState(thread)) };
        }),
      );
      expect(stories[0]).toEqual(stories[1]);
      expect(stories[0].result).toEqual({ path: ['one', 'two', 'changed', 'three'] });
    });

    it('to a state that is not there', async () => {
      await remote('steps').invoke({}, thread);
      const nowhere = { configurable: { ...thread.configurable, checkpoint_id: randomUUID() } };
      expect(await remote('steps').getState(nowhere)).toMatchObject({ values: {}, next: [], tasks: [] });
    });
  });

  it('is a node of a graph here', async () => {
    const State = Annotation.Root({ path: Annotation<string[]>({ reducer: (_, b) => b, default: () => [] }) });
    const graph = new StateGraph(State)
      .addNode('far', remote('steps') as never)
      .addNode('here', ({ path }) => ({ path: [...path, 'here'] }))
      .addEdge(START, 'far')
      .addEdge('far', 'here')
      .addEdge('here', END)
      .compile();
    expect(await graph.invoke({ path: ['begin'] })).toEqual({ path: ['begin', 'one', 'two', 'three', 'here'] });
  });

  it('gives the state of its graph to no client when its server refuses it, which the task says', async () => {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, 'astray', { input: { messages: ['hi'] }, interruptBefore: ['far'] });
    const { tasks } = await client.threads.getState(thread_id, undefined, { subgraphs: true });
    expect(tasks).toMatchObject([{ name: 'far', state: null, state_error: expect.stringContaining('not for you') }]);
  });

  it('is not waited for on the thread of the run that calls it', async () => {
    const { thread_id } = await client.threads.create();
    const input = { messages: ['hi'] };
    const refusal = /requests a run on its own thread .* set another configurable\.thread_id/;
    await expect(client.runs.wait(thread_id, 'ownthread', { input })).rejects.toThrow(refusal);
    expect((await client.threads.get(thread_id)).status).toBe('error');
    await expect(client.runs.wait(null, 'ownthread', { input })).rejects.toThrow(refusal);
    // The metadata of a run that has ended is that of any client.
    const [{ run_id }] = await client.runs.list(thread_id);
    const config = { metadata: { run_id }, configurable: { run_id } } as object;
    expect(await client.runs.wait(thread_id, 'echo', { input, config })).toHaveProperty('messages');
  });
});

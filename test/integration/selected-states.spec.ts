import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Annotation,
  type BaseChannel,
  Command,
  DeltaChannel,
  END,
  entrypoint,
  interrupt,
  Send,
  START,
  StateGraph,
  task,
} from '@langchain/langgraph';
import { z } from 'zod';
import { Sql } from '../../src/database/sql.js';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import type { CompiledGraph } from '../../src/execution/graphs/graph.js';
import { GraphStateService, type StateOwner } from '../../src/execution/state/graph-state.service.js';
import { selectState } from '../../src/execution/state/select-state.js';
import type { ThreadState } from '../../src/execution/state/thread-state.dto.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

/** A large value that must not be read unless requested. */
const BULK = `bulk-${'x'.repeat(1_000)}`;

const list = () => Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] });
const State = Annotation.Root({ bulk: Annotation<string>(), notes: list(), mood: Annotation<string>() });

/** Joins, branches and parallel nodes. */
const branching = new StateGraph(State)
  .addNode('fill', () => ({ bulk: BULK, mood: 'calm' }))
  .addNode('left', () => ({ notes: ['left'] }))
  .addNode('right', () => ({ notes: ['right'] }))
  .addNode('join', ({ bulk }) => ({ notes: [`join ${bulk.length}`] }))
  .addNode('ask', () => ({ notes: [String(interrupt('sure?'))] }))
  .addEdge(START, 'fill')
  .addConditionalEdges('fill', () => ['left', 'right'])
  .addEdge(['left', 'right'], 'join')
  .addEdge('join', 'ask')
  .addEdge('ask', END);

const sending = new StateGraph(State)
  .addNode(
    'fill',
    () => new Command({ update: { bulk: BULK }, goto: [new Send('work', { n: 1 }), new Send('work', { n: 2 })] }),
    { ends: ['work'] },
  ) // prettier-ignore
  .addNode('work', ({ n }: { n?: number }) => ({ notes: [`work ${n}`, String(interrupt(`and ${n}?`))] }))
  .addEdge(START, 'fill')
  .addEdge('work', END);

const rebuilding = new StateGraph(
  Annotation.Root({
    bulk: () =>
      new DeltaChannel((log: string[], writes: string[][]) => log.concat(...writes), { snapshotFrequency: 50 }) as BaseChannel<string[], string[]>, // prettier-ignore
    notes: list(),
  }),
)
  .addNode('fill', () => ({ bulk: [BULK] }))
  .addNode('ask', () => ({ notes: [String(interrupt('sure?'))] }))
  .addEdge(START, 'fill')
  .addEdge('fill', 'ask')
  .addEdge('ask', END);

const checked = new StateGraph(z.object({ bulk: z.string().default(''), notes: z.array(z.string()).default([]) }))
  .addNode('fill', () => ({ bulk: BULK }))
  .addNode('ask', ({ bulk }) => ({ notes: [`${bulk.length} ${String(interrupt('sure?'))}`] }))
  .addEdge(START, 'fill')
  .addEdge('fill', 'ask')
  .addEdge('ask', END);

const containing = new StateGraph(State)
  .addNode('inner', branching.compile())
  .addNode('after', () => ({ mood: 'glad' }))
  .addEdge(START, 'inner')
  .addEdge('inner', 'after')
  .addEdge('after', END);

/** The state is a single channel, which every node reads as a whole. */
const rooted = new StateGraph<Record<string, unknown>>({
  channels: { __root__: null },
} as never)
  .addNode('fill', () => ({ bulk: BULK }))
  .addNode('ask', (state) => ({ ...state, notes: [String(interrupt('sure?'))] }))
  .addEdge(START, 'fill')
  .addEdge('fill', 'ask')
  .addEdge('ask', END);

const write = task('write', (text: string) => Promise.resolve(`${text} ${BULK}`));
const workflow = () =>
  entrypoint({ name: 'workflow' }, async ({ text }: { text: string }) => {
    const written = await write(text);
    return { bulk: written, notes: [String(interrupt('sure?'))] };
  });

const GRAPHS: Record<string, () => CompiledGraph> = {
  branching: () => branching.compile() as never,
  sending: () => sending.compile() as never,
  rebuilding: () => rebuilding.compile() as never,
  checked: () => checked.compile() as never,
  rooted: () => rooted.compile() as never,
  containing: () => containing.compile() as never,
  workflow: () => workflow() as never,
};

const SELECTIONS = [
  ['values'],
  ['next'],
  ['tasks'],
  ['interrupts', 'checkpoint'],
  ['checkpoint', 'metadata', 'created_at', 'parent_checkpoint'],
  ['values.notes'],
  ['values.notes', 'values.nothing', 'next'],
  ['values.bulk'],
  [],
];

describe.each(Object.keys(GRAPHS))('States of a graph that is %s', (graph_id) => {
  let database: TestDatabase;
  let states: GraphStateService;
  let owner: StateOwner;
  let read: string[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    const sql = new Sql(database.pool, true);
    const recording = {
      query: async (text: string, values?: unknown[]) => {
        const result = await sql.query<{ json?: string; blob?: Buffer }>(text, values);
        read.push(...result.rows.map(({ json, blob }) => `${json ?? ''}${blob?.toString() ?? ''}`));
        return result;
      },
    };
    const registry = {
      get: (id: string, _config: unknown, _for: unknown, checkpointer: PostgresCheckpointer) =>
        Promise.resolve(Object.assign(GRAPHS[id](), { checkpointer })),
    };
    states = new GraphStateService(registry as never, recording as never);
    owner = { thread_id: randomUUID(), graph_id, config: {} };
    const graph = Object.assign(GRAPHS[graph_id](), { checkpointer: new PostgresCheckpointer(sql) });
    for await (const _ of await graph.stream({ notes: ['begin'], text: 'a' }, { configurable: owner as never })) {
      // Runs up to its interrupt.
    }
  });
  afterAll(() => database.drop());

  const collect = async (history: AsyncIterable<Partial<ThreadState>>): Promise<Partial<ThreadState>[]> => {
    const all = [];
    for await (const state of history) {
      all.push(state);
    }
    return all;
  };
  /** All states of the graph and of its subgraphs. */
  const places = async (): Promise<object[]> => {
    const { rows } = await database.pool.query<{ checkpoint_ns: string; checkpoint_id: string }>(
      'SELECT checkpoint_ns, checkpoint_id FROM checkpoints ORDER BY 1, 2',
    );
    const namespaces = [...new Set(rows.map(({ checkpoint_ns }) => checkpoint_ns))];
    return [...namespaces.map((checkpoint_ns) => ({ checkpoint_ns })), ...rows];
  };

  it.each(SELECTIONS.map((select) => [select]))(
    'limited to %j equal those parts of the whole state',
    async (select) => {
      for (const place of await places()) {
        for (const subgraphs of [false, true]) {
          const whole = await states.getState(owner, place, subgraphs);
          expect(await states.getSelected(owner, place, { subgraphs, select })).toEqual(selectState(whole, select));
        }
      }
      const whole = await collect(states.getHistory(owner, {}, {}));
      expect(whole).not.toEqual([]);
      expect(await collect(states.getHistory(owner, {}, { select }))).toEqual(
        whole.map((state) => selectState(state as ThreadState, select)),
      );
    },
  );

  it('are not read when they are not selected', async () => {
    const isAbout = (select: string[], names: RegExp) => select.some((name) => names.test(name));
    if (graph_id === 'rooted') {
      return;
    }
    // The next tasks depend on the writes of earlier tasks, and a workflow consists only of tasks.
    const others = SELECTIONS.filter((select) => !isAbout(select, /^values$|^values.bulk$|^tasks$/));
    const withoutTasks = others.filter((select) => !isAbout(select, /^next$|^interrupts$/));
    read = [];
    for (const select of graph_id === 'workflow' ? withoutTasks : others) {
      await states.getSelected(owner, {}, { subgraphs: false, select });
    }
    for (const select of withoutTasks) {
      await collect(states.getHistory(owner, {}, { select }));
    }
    expect(read.length).toBeGreaterThan(0);
    expect(read.filter((text) => text.includes(BULK))).toEqual([]);
  });

  it('are read when they are selected', async () => {
    read = [];
    await collect(states.getHistory(owner, {}, { select: ['values', 'tasks'] }));
    expect(read.some((text) => text.includes(BULK))).toBe(graph_id !== 'containing');
  });
});

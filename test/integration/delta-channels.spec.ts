import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Annotation,
  BaseCheckpointSaver,
  type BaseChannel,
  Command,
  DeltaChannel,
  END,
  interrupt,
  MemorySaver,
  START,
  StateGraph,
} from '@langchain/langgraph';
import type { Queryable } from '../../src/database/index.js';
import { DraftCheckpointer } from '../../src/execution/checkpoints/draft-checkpointer.js';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import { DiscardingCheckpointer, RunCheckpointer } from '../../src/execution/checkpoints/run-checkpointer.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';

/** A delta channel: stored by its writes, with a snapshot at every `snapshotFrequency`th write. */
const delta = (snapshotFrequency: number) => () =>
  new DeltaChannel((log: string[], writes: string[][]) => log.concat(...writes), { snapshotFrequency }) as BaseChannel<
    string[],
    string[]
  >;

const State = Annotation.Root({
  often: delta(2),
  seldom: delta(100),
  whole: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const node =
  (name: string) =>
  ({ seldom }: typeof State.State) => {
    const entry = `${name} after ${seldom.length}`;
    return { often: [entry], seldom: [entry], whole: [entry] };
  };

/** Parallel nodes whose names and ids sort differently, and an interrupt. */
const builder = new StateGraph(State)
  .addNode('first', node('first'))
  .addNode('z', node('z'))
  .addNode('a', node('a'))
  .addNode('m', node('m'))
  .addNode('ask', () => ({ seldom: [`answer:${String(interrupt('well?'))}`] }))
  .addNode('last', node('last'))
  .addEdge(START, 'first')
  .addEdge('first', 'z')
  .addEdge('first', 'a')
  .addEdge('first', 'm')
  .addEdge(['z', 'a', 'm'], 'ask')
  .addEdge('ask', 'last')
  .addEdge('last', END);

const compile = (checkpointer: BaseCheckpointSaver) => builder.compile({ checkpointer });

describe('Delta channels', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const SAVERS: [name: string, create: () => Promise<BaseCheckpointSaver>][] = [
    ['PostgresCheckpointer', () => Promise.resolve(new PostgresCheckpointer(database.pool))],
    [
      'RunCheckpointer',
      async () => new RunCheckpointer(database.pool, { ...(await insertRunningRun(database.pool)), metadata: {} }),
    ],
  ];

  describe.each(['sync', 'async', 'exit'] as const)('with durability %s', (durability) => {
    it.each(SAVERS)('have the same values in %s as in memory', async (name, create) => {
      const expected = await valuesAfterEverything(new MemorySaver(), 't', durability);
      expect(await valuesAfterEverything(await create(), `${name} ${durability}`, durability)).toEqual(expected);
      expect(expected.map(({ seldom }) => seldom)).toContainEqual(expect.arrayContaining(['answer:2', 'by hand']));
    });
  });

  it('are rebuilt like by the inherited method, from each checkpoint and for each channel', async () => {
    const saver = new PostgresCheckpointer(database.pool);
    await valuesAfterEverything(saver, 'walk', 'sync');
    const inherited = BaseCheckpointSaver.prototype.getDeltaChannelHistory.bind(saver);
    const seeds = new Set<string>();
    for await (const { config } of saver.list({ configurable: { thread_id: 'walk' } })) {
      for (const channels of [['often', 'seldom', 'whole'], ['seldom'], ['whole', 'nothing like it'], []]) {
        const found = await saver.getDeltaChannelHistory({ config, channels });
        expect(found).toStrictEqual(await inherited({ config, channels }));
        Object.entries(found).forEach(([channel, { seed }]) => seeds.add(`${channel} ${seed !== undefined}`));
      }
    }
    const both = ['often', 'seldom', 'whole'].flatMap((channel) => [`${channel} true`, `${channel} false`]);
    expect(seeds).toEqual(new Set([...both, 'nothing like it false']));
    for (const thread_id of ['walk', 'nobody']) {
      const newest = { config: { configurable: { thread_id } }, channels: ['often'] };
      expect(await saver.getDeltaChannelHistory(newest)).toStrictEqual(await inherited(newest));
    }
  });

  it('have the same values in a draft, and after its write', async () => {
    const thread = { configurable: { thread_id: 'draft' } };
    const begin = async (saver: BaseCheckpointSaver): Promise<void> => {
      await compile(saver).invoke({ often: ['input'], seldom: ['input'] }, thread);
      await compile(saver).invoke(new Command({ resume: 1 }), thread);
    };
    const change = async (saver: BaseCheckpointSaver): Promise<unknown> => {
      const step = (name: string) => ({
        updates: [{ values: { often: [name], seldom: [name], whole: [name] }, asNode: 'last' }],
      });
      await compile(saver).bulkUpdateState(thread, ['x', 'y', 'z'].map(step));
      return (await compile(saver).getState(thread)).values;
    };
    const memory = new MemorySaver();
    await begin(memory);
    const expected = await change(memory);
    const stored = new PostgresCheckpointer(database.pool);
    await begin(stored);
    const before = await stored.getTuple(thread);
    const draft = new DraftCheckpointer(database.pool, 'draft');
    expect(await change(draft)).toEqual(expected);
    expect(await stored.getTuple(thread)).toEqual(before);
    expect(await draft.write(database.pool)).toBe(true);
    expect((await compile(stored).getState(thread)).values).toEqual(expected);
  });

  it('work in a run without stored checkpoints', async () => {
    const thread = { configurable: { thread_id: 'temporary' } };
    const values = await compile(new DiscardingCheckpointer()).invoke({ seldom: ['input'] }, thread);
    expect(values).toMatchObject({ seldom: ['input', 'first after 1', 'a after 2', 'm after 2', 'z after 2'] });
  });

  it('are read in two round trips, at any distance from the last snapshot', async () => {
    const thread = { configurable: { thread_id: 'long' } };
    const graph = compile(new PostgresCheckpointer(database.pool));
    for (let round = 0; round < 5; round++) {
      await graph.invoke({ seldom: [`input ${round}`] }, thread);
      await graph.invoke(new Command({ resume: round }), thread);
    }
    let queries = 0;
    const counting: Queryable = {
      query: async <R>(text: string, values?: unknown[]) => {
        queries++;
        const { rows } = await database.pool.query(text, values);
        return { rows: rows as R[] };
      },
    };
    const state = await compile(new PostgresCheckpointer(counting)).getState(thread);
    expect((state.values as typeof State.State).seldom).toHaveLength(5 * 7);
    expect(queries).toBe(2);
  });
});

/** Two rounds with their interrupts, a state update, a fork from the middle: the values of all checkpoints. */
async function valuesAfterEverything(
  saver: BaseCheckpointSaver,
  thread_id: string,
  durability: 'sync' | 'async' | 'exit',
): Promise<(typeof State.State)[]> {
  const graph = compile(saver);
  const thread = { configurable: { thread_id }, durability };
  for (const round of [1, 2]) {
    await graph.invoke({ often: [`input ${round}`], seldom: [`input ${round}`] }, thread);
    await graph.invoke(new Command({ resume: round }), thread);
    await graph.updateState(thread, { seldom: ['by hand'] }, 'last');
  }
  const history = [];
  for await (const state of graph.getStateHistory(thread)) {
    history.push(state);
  }
  const past = history[Math.floor(history.length / 2)];
  const fork = await graph.updateState(past.config, { often: ['fork'], seldom: ['fork'] }, 'first');
  await graph.invoke(null, { ...thread, ...fork });
  const values = [];
  for await (const state of graph.getStateHistory(thread)) {
    values.push(state.values as typeof State.State);
  }
  return values;
}

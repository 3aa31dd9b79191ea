import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Annotation,
  type BaseChannel,
  Command,
  DeltaChannel,
  END,
  interrupt,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { DELETE_OLD_CHECKPOINTS, DELETE_RUNS, DELETE_THREADS } from '../../src/execution/checkpoints/delete-sql.js';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import { RunCheckpointer } from '../../src/execution/checkpoints/run-checkpointer.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';

const SNAPSHOT_FREQUENCY = 5;

/** A delta channel: rebuilt from the writes of earlier checkpoints, with periodic snapshots. */
const rebuilt = () =>
  new DeltaChannel((log: string[], writes: string[][]) => log.concat(...writes), {
    snapshotFrequency: SNAPSHOT_FREQUENCY,
  }) as BaseChannel<string[], string[]>;

const State = Annotation.Root({
  rebuilt,
  stored: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  replaced: Annotation<string>(),
});

const say = (name: string) => () => ({ rebuilt: [name], stored: [name], replaced: name });

const inner = new StateGraph(State)
  .addNode('ask', () => say(`answer:${String(interrupt('well?'))}`)())
  .addEdge(START, 'ask')
  .addEdge('ask', END)
  .compile();

const builder = new StateGraph(State)
  .addNode('one', say('one'))
  .addNode('two', say('two'))
  .addNode('inner', inner)
  .addEdge(START, 'one')
  .addEdge('one', 'two')
  .addEdge('two', 'inner')
  .addEdge('inner', END);

const EVERYTHING = `
  SELECT 'checkpoint' AS kind, checkpoint_ns, checkpoint_id AS id, NULL AS part FROM checkpoints WHERE thread_id = $1
  UNION ALL SELECT 'value', checkpoint_ns, channel, version FROM checkpoint_blobs WHERE thread_id = $1
  UNION ALL SELECT 'write', checkpoint_ns, checkpoint_id, task_id FROM checkpoint_writes WHERE thread_id = $1
  ORDER BY 1, 2, 3, 4`;

describe('Deleted checkpoints', () => {
  let database: TestDatabase;
  let thread_id: string;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(() => {
    thread_id = randomUUID();
  });

  const thread = () => ({ configurable: { thread_id } });
  const graph = () => builder.compile({ checkpointer: new PostgresCheckpointer(database.pool) });

  /** A run that reaches its interrupt, or resumes it. */
  async function run(input: string | { resume: unknown }): Promise<string> {
    const owner = await insertRunningRun(database.pool);
    const metadata = { run_id: owner.run_id };
    const running = builder.compile({ checkpointer: new RunCheckpointer(database.pool, { ...owner, metadata }) });
    const given = typeof input === 'string' ? { rebuilt: [input], stored: [input] } : new Command(input);
    await running.invoke(given as never, thread());
    return owner.run_id;
  }

  const rows = async (sql: string): Promise<object[]> => (await database.pool.query<object>(sql, [thread_id])).rows;

  /** Values without a checkpoint that refers to them, and writes to missing checkpoints. */
  const orphans = async (): Promise<object[]> => [
    ...(await rows(`
      SELECT checkpoint_ns, channel, version FROM checkpoint_blobs b WHERE thread_id = $1 AND NOT EXISTS (
        SELECT FROM checkpoints c WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns
         AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)`)),
    ...(await rows(`
      SELECT checkpoint_ns, checkpoint_id, channel FROM checkpoint_writes w WHERE thread_id = $1 AND NOT EXISTS (
        SELECT FROM checkpoints c WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
         AND c.checkpoint_id = w.checkpoint_id)`)),
  ];

  const history = async () => {
    const states = [];
    for await (const { config, values, next } of graph().getStateHistory(thread())) {
      states.push({ id: String(config.configurable?.checkpoint_id), values: values as object, next });
    }
    return states;
  };

  const ids = async (where = 'true'): Promise<object[]> =>
    rows(`SELECT checkpoint_ns, checkpoint_id FROM checkpoints c WHERE thread_id = $1 AND ${where} ORDER BY 1, 2`);

  it('with the newest run restore the state before it, and delete the values that only the run used', async () => {
    await run('first');
    await run({ resume: 1 });
    const before = await history();
    const all = await rows('SELECT channel, version FROM checkpoint_blobs WHERE thread_id = $1 ORDER BY 1, 2');
    const run_ids = [await run('second'), await run({ resume: 2 })];
    await database.pool.query(DELETE_RUNS, [[thread_id], run_ids]);
    expect(await history()).toEqual(before);
    expect(await rows('SELECT channel, version FROM checkpoint_blobs WHERE thread_id = $1 ORDER BY 1, 2')).toEqual(all);
    expect(await orphans()).toEqual([]);
  });

  it('with their thread leave no rows, and do not affect other threads', async () => {
    await run('first');
    const other = thread_id;
    const kept = await rows(EVERYTHING);
    thread_id = randomUUID();
    await run('first');
    await run({ resume: 1 });
    await database.pool.query(DELETE_THREADS, [[thread_id]]);
    expect(await rows(EVERYTHING)).toEqual([]);
    thread_id = other;
    expect(kept.length).toBeGreaterThan(10);
    expect(await rows(EVERYTHING)).toEqual(kept);
  });

  it('with a resume restore the interrupt', async () => {
    await run('first');
    const before = await graph().getState(thread());
    await database.pool.query(DELETE_RUNS, [[thread_id], [await run({ resume: 1 })]]);
    expect(await graph().getState(thread())).toEqual(before);
    expect(await orphans()).toEqual([]);
    await run({ resume: 3 });
    expect((await graph().getState(thread())).values).toMatchObject({ replaced: 'answer:3' });
  });

  it('with a run in the middle do not affect later states, although those are rebuilt from them', async () => {
    await run('first');
    await run({ resume: 1 });
    const middle = [await run('second'), await run({ resume: 2 })];
    await run('third');
    await run({ resume: 3 });
    const before = await history();
    await database.pool.query(DELETE_RUNS, [[thread_id], middle]);
    const after = await history();
    expect(after.length).toBeLessThan(before.length);
    expect(after).toEqual(before.filter(({ id }) => after.some((state) => state.id === id)));
    expect(await orphans()).toEqual([]);
  });

  it('except the newest of each namespace keep the state, also of an interrupted subgraph', async () => {
    await run('first');
    await run({ resume: 1 });
    await run('second');
    const before = await graph().getState(thread(), { subgraphs: true });
    const all = await ids();
    const newest = await ids(`NOT EXISTS (SELECT FROM checkpoints n WHERE n.thread_id = c.thread_id
      AND n.checkpoint_ns = c.checkpoint_ns AND n.checkpoint_id > c.checkpoint_id)`);
    await database.pool.query(DELETE_OLD_CHECKPOINTS, [[thread_id]]);
    expect(await graph().getState(thread(), { subgraphs: true })).toEqual(before);
    expect(await ids()).toEqual(expect.arrayContaining(newest));
    // The checkpoints that the state is rebuilt from, back to the last snapshot.
    expect((await ids()).length).toBeLessThanOrEqual(newest.length + SNAPSHOT_FREQUENCY);
    expect((await ids()).length).toBeLessThan(all.length);
    expect(await orphans()).toEqual([]);
    await run({ resume: 2 });
    expect((await graph().getState(thread())).values).toMatchObject({ stored: expect.arrayContaining(['answer:2']) });
  });

  it('of one thread do not affect others', async () => {
    await run('first');
    const other = thread_id;
    thread_id = randomUUID();
    await run('second');
    await database.pool.query(DELETE_OLD_CHECKPOINTS, [[thread_id]]);
    thread_id = other;
    expect((await history()).length).toBeGreaterThan(3);
  });
});

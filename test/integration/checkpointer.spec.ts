import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { LeaseLostError } from '../../src/execution/checkpoints/lease-lost.error.js';
import type { Queryable } from '../../src/database/index.js';
import { DraftCheckpointer } from '../../src/execution/checkpoints/draft-checkpointer.js';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import { RunCheckpointer } from '../../src/execution/checkpoints/run-checkpointer.js';
import { createDatabase, type TestDatabase, untilWaitingForLocks } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  word: Annotation<string>(),
});

const builder = new StateGraph(State)
  .addNode('one', ({ word }) => ({ log: [`one:${word}`] }))
  .addNode('two', ({ word }) => ({ log: [`two:${word}`] }))
  .addEdge(START, 'one')
  .addEdge('one', 'two')
  .addEdge('two', END);

const logOf = ({ values }: { values: unknown }): unknown => (values as { log: string[] }).log;

describe('DraftCheckpointer', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const stored = () => builder.compile({ checkpointer: new PostgresCheckpointer(database.pool) });

  const countRows = async (thread_id: string): Promise<number> => {
    const { rows } = await database.pool.query<{ count: number }>(
      `SELECT ((SELECT count(*) FROM checkpoints WHERE thread_id = $1)
        + (SELECT count(*) FROM checkpoint_blobs WHERE thread_id = $1)
        + (SELECT count(*) FROM checkpoint_writes WHERE thread_id = $1))::int AS count`,
      [thread_id],
    );
    return rows[0].count;
  };

  /** A thread with a state, and an update that is not written yet. */
  async function drafted(thread_id: string) {
    const thread = { configurable: { thread_id } };
    await stored().invoke({ word: 'a' }, thread);
    const draft = new DraftCheckpointer(database.pool, thread_id);
    const graph = builder.compile({ checkpointer: draft });
    await graph.updateState(thread, { word: 'b', log: ['by hand'] }, 'two');
    return { thread, draft, graph };
  }

  it('reads its own drafts, and writes nothing before write is called', async () => {
    const { thread, draft, graph } = await drafted('shown');
    const expected = ['one:a', 'two:a', 'by hand'];
    expect(logOf(await graph.getState(thread))).toEqual(expected);
    expect(logOf(await stored().getState(thread))).toEqual(['one:a', 'two:a']);
    expect(await draft.write(database.pool)).toBe(true);
    expect(logOf(await stored().getState(thread))).toEqual(expected);
  });

  it('writes nothing when another checkpoint has become the newest one', async () => {
    const { thread, draft } = await drafted('superseded');
    await stored().updateState(thread, { log: ['earlier'] }, 'two');
    const before = await countRows('superseded');
    expect(await draft.write(database.pool)).toBe(false);
    expect(await countRows('superseded')).toBe(before);
    expect(logOf(await stored().getState(thread))).toEqual(['one:a', 'two:a', 'earlier']);
  });

  it('writes nothing when a thread without a state has got one', async () => {
    const draft = new DraftCheckpointer(database.pool, 'new');
    const thread = { configurable: { thread_id: 'new', checkpoint_ns: '' } };
    await builder.compile({ checkpointer: draft }).updateState(thread, { word: 'b' }, 'two');
    await stored().updateState(thread, { word: 'first' }, 'two');
    expect(await draft.write(database.pool)).toBe(false);
  });

  it('writes nothing when the forked checkpoint has been deleted', async () => {
    const thread = { configurable: { thread_id: 'forked', checkpoint_ns: '' } };
    await stored().invoke({ word: 'a' }, thread);
    const history = [];
    for await (const state of stored().getStateHistory(thread)) {
      history.push(state);
    }
    const { config } = history[1];
    const draft = new DraftCheckpointer(database.pool, 'forked');
    await builder.compile({ checkpointer: draft }).updateState(config, { word: 'b' }, 'two');
    await database.pool.query('DELETE FROM checkpoints WHERE checkpoint_id = $1', [
      (config.configurable as { checkpoint_id: string }).checkpoint_id,
    ]);
    const before = await countRows('forked');
    expect(await draft.write(database.pool)).toBe(false);
    expect(await countRows('forked')).toBe(before);
  });
});

describe('PostgresCheckpointer', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  it('keeps the values of two forks of one checkpoint separate', async () => {
    const graph = builder.compile({ checkpointer: new PostgresCheckpointer(database.pool) });
    const config = { configurable: { thread_id: 'forks' } };
    await graph.invoke({ word: 'a' }, config);
    const history = [];
    for await (const state of graph.getStateHistory(config)) {
      history.push(state);
    }
    const afterOne = history.find(({ next }) => next[0] === 'two')!;
    const forkB = await graph.updateState(afterOne.config, { word: 'b' });
    const forkC = await graph.updateState(afterOne.config, { word: 'c' });
    await graph.invoke(null, forkB);
    await graph.invoke(null, forkC);
    const values = [];
    for await (const state of graph.getStateHistory(config)) {
      if (state.next.length === 0) {
        values.push(logOf(state));
      }
    }
    expect(values).toEqual([
      ['one:a', 'two:c'],
      ['one:a', 'two:b'],
      ['one:a', 'two:a'],
    ]);
  });

  it('returns pending writes in the order of their task paths', async () => {
    const saver = new PostgresCheckpointer(database.pool);
    const config = { configurable: { thread_id: 'order', checkpoint_ns: '', checkpoint_id: '1' } };
    const checkpoint = { v: 4, id: '1', ts: '', channel_values: {}, channel_versions: {}, versions_seen: {} };
    await saver.put({ configurable: { thread_id: 'order' } }, checkpoint, { source: 'loop', step: 0, parents: {} }, {});
    await saver.putWrites(config, [['c', 1], ['c', 2]], 'a-task', '~path-2'); // prettier-ignore
    await saver.putWrites(config, [['c', 3]], 'z-task', '~path-10');
    await saver.putWrites(config, [['c', 0]], 'm-task');
    const tuple = await saver.getTuple(config);
    expect(tuple?.pendingWrites?.map(([, , value]) => value)).toEqual([0, 3, 1, 2]);
  });

  it('fencing: writes for a run only while the run holds its lease', async () => {
    const { run_id, lease_token, thread_id } = await insertRunningRun(database.pool);
    const saver = new PostgresCheckpointer(database.pool, { run_id, lease_token });
    const graph = builder.compile({ checkpointer: saver });
    const config = { configurable: { thread_id } };
    await graph.invoke({ word: 'held' }, config);
    const before = await countRows(database, thread_id);
    await database.pool.query('UPDATE runs SET lease_token = gen_random_uuid() WHERE run_id = $1', [run_id]);
    await expect(graph.invoke({ word: 'stale' }, config)).rejects.toThrow(LeaseLostError);
    expect(await countRows(database, thread_id)).toEqual(before);
  });

  it('fencing: a worker that takes over the lease waits for an in-flight write', async () => {
    const { run_id, lease_token, thread_id } = await insertRunningRun(database.pool);
    const writer = await database.pool.connect();
    await writer.query('BEGIN');
    const saver = new RunCheckpointer(writer, { run_id, lease_token, metadata: {} });
    await builder.compile({ checkpointer: saver }).invoke({ word: 'a' }, { configurable: { thread_id } });
    const taken = database.pool.query('UPDATE runs SET lease_token = gen_random_uuid() WHERE run_id = $1', [run_id]);
    const waits = untilWaitingForLocks(database).then(() => 'waits');
    expect(await Promise.race([taken.then(() => 'taken'), waits])).toBe('waits');
    await writer.query('COMMIT');
    writer.release();
    await taken;
    expect(await countRows(database, thread_id)).toMatchObject({ checkpoints: '4' });
  });

  it('commits a superstep when its owner is ready, with all writes so far', async () => {
    const { run_id, lease_token, thread_id } = await insertRunningRun(database.pool);
    const [asked, ready] = [newGate(), newGate()];
    const isReady = (): Promise<void> => {
      asked.open();
      return ready.opened;
    };
    const saver = new RunCheckpointer(database.pool, { run_id, lease_token, metadata: {}, ready: isReady });
    const ended = builder.compile({ checkpointer: saver }).invoke({ word: 'a' }, { configurable: { thread_id } });
    await asked.opened;
    expect(await countRows(database, thread_id)).toEqual({ checkpoints: '0', blobs: '0', writes: '0' });
    ready.open();
    expect(await ended).toMatchObject({ log: ['one:a', 'two:a'] });
    expect(await countRows(database, thread_id)).toMatchObject({ checkpoints: '4' });
  });

  it('has stored the finished supersteps of an aborted graph once it has settled', async () => {
    const { run_id, lease_token, thread_id } = await insertRunningRun(database.pool);
    const [writing, inTwo] = [newGate(), newGate()];
    const slow: Queryable = {
      query: async <R>(text: string, values?: unknown[]) => {
        if (text.includes('INSERT')) {
          await writing.opened;
        }
        const { rows } = await database.pool.query(text, values);
        return { rows: rows as R[] };
      },
    };
    const saver = new RunCheckpointer(slow, { run_id, lease_token, metadata: {} });
    const graph = new StateGraph(State)
      .addNode('one', ({ word }) => ({ log: [`one:${word}`] }))
      .addNode('two', () => {
        inTwo.open();
        return new Promise<Partial<typeof State.Update>>(() => undefined);
      })
      .addEdge(START, 'one')
      .addEdge('one', 'two')
      .compile({ checkpointer: saver });
    const client = new AbortController();
    const ended = graph.invoke({ word: 'a' }, { configurable: { thread_id }, signal: client.signal });
    await inTwo.opened;
    client.abort();
    await expect(ended).rejects.toThrow();
    expect(logOf(await graph.getState({ configurable: { thread_id } }))).toBeUndefined();
    writing.open();
    await saver.settled();
    expect(logOf(await graph.getState({ configurable: { thread_id } }))).toEqual(['one:a']);
  });
});

/** A promise with its resolve function. */
function newGate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function countRows({ pool }: TestDatabase, thread_id: string): Promise<unknown> {
  const { rows } = await pool.query(
    `SELECT (SELECT count(*) FROM checkpoints WHERE thread_id = $1) AS checkpoints,
            (SELECT count(*) FROM checkpoint_blobs WHERE thread_id = $1) AS blobs,
            (SELECT count(*) FROM checkpoint_writes WHERE thread_id = $1) AS writes`,
    [thread_id],
  );
  return rows[0];
}

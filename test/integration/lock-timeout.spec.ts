import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { dataSourceOptions, NestgraphDataSource, poolOf } from '../../src/database/data-source.js';
import { DatabaseUnavailableError, retryWhileUnavailable, Sql } from '../../src/database/index.js';
import { renewLeases } from '../../src/runs/queue/renew-leases.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { insertRunningRun } from '../support/rows.js';

const SHORT_MS = 50;
const REFUSAL = { status: 503, code: 'lock_timeout', headers: { 'retry-after': '1' } };

let database: TestDatabase;
let dataSource: NestgraphDataSource;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  dataSource = new NestgraphDataSource(
    dataSourceOptions({ uri: database.uri, pool_size: 2, lock_timeout_ms: SHORT_MS }),
  );
  await dataSource.initialize();
});
afterEach(() => dataSource.destroy());
afterAll(() => database.drop());

/** A row that a transaction from outside holds while `work` runs. */
async function whileLocked(lock: string, id: string, work: () => Promise<void>): Promise<void> {
  const session = await database.pool.connect();
  try {
    await session.query('BEGIN');
    await session.query(lock, [id]);
    await work();
  } finally {
    await session.query('ROLLBACK');
    session.release();
  }
}

const LOCK_THREAD = 'SELECT FROM threads WHERE thread_id = $1 FOR UPDATE';
const CHANGE = 'UPDATE threads SET updated_at = now() WHERE thread_id = $1';

async function newThread(): Promise<string> {
  const thread_id = randomUUID();
  await database.pool.query('INSERT INTO threads (thread_id) VALUES ($1)', [thread_id]);
  return thread_id;
}

describe('a row that a transaction from outside holds is not waited for without end', () => {
  it('by statements of our own, and through TypeORM', async () => {
    const thread_id = await newThread();
    const sql = new Sql(poolOf(dataSource), true);
    await whileLocked(LOCK_THREAD, thread_id, async () => {
      await expect(sql.query(CHANGE, [thread_id])).rejects.toMatchObject(REFUSAL);
      await expect(dataSource.query(CHANGE, [thread_id])).rejects.toMatchObject(REFUSAL);
      const work = dataSource.transaction((manager) => manager.query(CHANGE, [thread_id]));
      await expect(work).rejects.toMatchObject(REFUSAL);
    });
    await sql.query(CHANGE, [thread_id]);
  });

  it('by our transactions, on a connection that others have used with other settings, as poolers hand it on', async () => {
    const thread_id = await newThread();
    const pool = database.newPool();
    pool.on('connect', (client) => void client.query('SET lock_timeout = 0'));
    const work = new Sql(pool, true).transaction((db) => db.query(CHANGE, [thread_id]), { lock_timeout_ms: SHORT_MS });
    await whileLocked(LOCK_THREAD, thread_id, () => expect(work).rejects.toMatchObject(REFUSAL));
  });

  it('and is tried again by what waits for the database', async () => {
    const thread_id = await newThread();
    const sql = new Sql(poolOf(dataSource), true);
    let again: Promise<unknown> | undefined;
    await whileLocked(LOCK_THREAD, thread_id, async () => {
      again = retryWhileUnavailable(60_000, () => sql.query(CHANGE, [thread_id]));
      await expect(sql.query(CHANGE, [thread_id])).rejects.toBeInstanceOf(DatabaseUnavailableError);
    });
    await again;
  });
});

it('a transaction that does nothing, because its process is blocked, is ended', async () => {
  const [row] = await dataSource.query<[{ timeout: string }]>(
    `SELECT current_setting('idle_in_transaction_session_timeout') AS timeout`,
  );
  expect(row.timeout).toBe('1min');
});

it('a run whose row is locked does not keep the leases of others from being renewed', async () => {
  const [locked, free] = [await insertRunningRun(database.pool), await insertRunningRun(database.pool)];
  await whileLocked('SELECT FROM runs WHERE run_id = $1 FOR UPDATE', locked.run_id, async () => {
    expect(await renewLeases(poolOf(dataSource), [locked, free], 60_000)).toEqual({
      held: new Set([locked.lease_token, free.lease_token]),
      locked: new Set([locked.lease_token]),
    });
  });
  const { rows } = await database.pool.query<{ run_id: string }>('SELECT run_id FROM runs WHERE lease_until > now()');
  expect(rows).toEqual([{ run_id: free.run_id }]);
});

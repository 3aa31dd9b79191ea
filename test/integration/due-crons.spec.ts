import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { type DueCron, DueCrons } from '../../src/crons/scheduler/due-crons.js';
import { createDatabase, type TestDatabase, untilWaitingForLocks } from '../support/database.js';

const ALL: string[] = [];

describe('DueCrons', () => {
  let database: TestDatabase;
  let due: DueCrons;
  let sessions: pg.PoolClient[];

  beforeAll(async () => {
    database = await createDatabase();
    due = new DueCrons(database.pool);
  });
  beforeEach(async () => {
    sessions = [];
    await database.pool.query('DELETE FROM crons');
  });
  afterEach(async () => {
    for (const session of sessions) {
      await session.query('ROLLBACK');
      session.release();
    }
  });
  afterAll(() => database.drop());

  /** Opens a transaction like that of another process; rolled back when the test ends. */
  const begin = async (): Promise<pg.PoolClient> => {
    const session = await database.pool.connect();
    await session.query('BEGIN');
    sessions.push(session);
    return session;
  };
  const newThread = async (): Promise<string> => {
    const thread_id = randomUUID();
    await database.pool.query('INSERT INTO threads (thread_id) VALUES ($1)', [thread_id]);
    return thread_id;
  };
  /** Due so many seconds ago. */
  const newCron = async (seconds: number, thread_id?: string): Promise<string> => {
    const cron_id = randomUUID();
    await database.pool.query(
      `INSERT INTO crons (cron_id, assistant_id, thread_id, schedule, payload, next_run_date)
       VALUES ($1, $2, $3, '* * * * *', '{}', clock_timestamp() - $4 * interval '1 second')`,
      [cron_id, randomUUID(), thread_id ?? null, seconds],
    );
    return cron_id;
  };
  const idsOf = (crons: { cron_id: string }[]): string[] => crons.map(({ cron_id }) => cron_id);
  const rowOf = async (cron_id: string): Promise<Record<string, unknown>> => {
    const { rows } = await database.pool.query<Record<string, unknown>>('SELECT * FROM crons WHERE cron_id = $1', [
      cron_id,
    ]);
    return rows[0];
  };
  const LATER = new Date('2099-01-01');

  it('finds due crons in the order of their due times, up to the limit', async () => {
    const [, second, first] = [await newCron(-60), await newCron(1), await newCron(2)];
    const third = await newCron(0.01);
    await database.pool.query(`UPDATE crons SET enabled = false, next_run_date = NULL WHERE cron_id = $1`, [
      await newCron(5),
    ]);
    expect(idsOf(await due.find(2, ALL))).toEqual([first, second]);
    expect(idsOf(await due.find(10, [first]))).toEqual([second, third]);
  });

  it('returns the database clock, and whether the thread is busy', async () => {
    const [idle, busy] = [await newThread(), await newThread()];
    await database.pool.query('UPDATE threads SET newest_run_id = $2 WHERE thread_id = $1', [busy, randomUUID()]);
    const ids = [await newCron(3), await newCron(2, idle), await newCron(1, busy)];
    const claimed = await due.find(10, ALL);
    expect(idsOf(claimed)).toEqual(ids);
    expect(claimed.map(({ is_busy }) => is_busy)).toEqual([false, false, true]);
    const lateness = claimed.map(({ now, next_run_date }) =>
      Math.floor((now.getTime() - next_run_date.getTime()) / 1000),
    );
    expect(lateness).toEqual([3, 2, 1]);
  });

  it('lets one process claim a cron, and no other process waits', async () => {
    const ids = [await newCron(2), await newCron(1, await newThread())];
    const [one, two] = [await begin(), await begin()];
    const found = await due.find(10, ALL);
    expect(idsOf(await due.claim(one, found))).toEqual(ids);
    expect(await due.claim(two, found)).toEqual([]);
    expect(await due.find(10, ALL)).toEqual([]);
    await one.query('ROLLBACK');
    await one.query('BEGIN');
    expect(idsOf(await due.claim(two, found))).toEqual(ids);
  });

  it('does not claim a cron that was rescheduled in the meantime', async () => {
    const cron_id = await newCron(1);
    const [one, two] = [await begin(), await begin()];
    const [cron] = await due.find(1, ALL);
    await due.claim(one, [cron]);
    await due.reschedule(one, [{ cron, next: LATER }]);
    await one.query('COMMIT');
    expect(await due.claim(two, [cron])).toEqual([]);
    expect(await due.findOne(cron_id)).toEqual([]);
    expect((await rowOf(cron_id)).next_run_date).toEqual(LATER);
  });

  it('does not claim a cron whose runs were changed after the decision', async () => {
    const ids = [await newCron(2), await newCron(1, await newThread())];
    const found = await due.find(10, ALL);
    await database.pool.query(`UPDATE crons SET payload = '{"input": 1}'`);
    const session = await begin();
    expect(await due.claim(session, found)).toEqual([]);
    expect(await due.disable(found[0], 'refused')).toBe(false);
    expect(idsOf(await due.claim(session, await due.find(10, ALL)))).toEqual(ids);
  });

  it('waits neither for a locked thread nor for a deletion that waits for the claim', async () => {
    const [locked, deleted] = [await newThread(), await newThread()];
    const [ofLocked, ofDeleted] = [await newCron(2, locked), await newCron(1, deleted)];
    const locker = await begin();
    await locker.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [locked]);
    const scheduler = await begin();
    expect(idsOf(await due.claim(scheduler, await due.find(10, ALL)))).toEqual([ofDeleted]);

    const deletion = database.pool.query('DELETE FROM threads WHERE thread_id = $1', [deleted]);
    await untilWaitingForLocks(database);
    // Creating a run locks its thread; the claim already holds that lock.
    await scheduler.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [deleted]);
    await scheduler.query('COMMIT');
    await deletion;
    expect(await rowOf(ofDeleted)).toBeUndefined();
    expect(await rowOf(ofLocked)).toBeDefined();
  });

  it('returns the time until the next cron is due', async () => {
    expect(await due.msToNext()).toBeUndefined();
    await newCron(-60);
    const soon = await due.msToNext();
    expect(soon).toBeGreaterThan(55_000);
    expect(soon).toBeLessThanOrEqual(60_000);
    await newCron(5);
    expect(await due.msToNext()).toBeLessThan(-4_999);
  });

  it.each([
    ['skips a due time', (cron: DueCron) => due.skip(cron, LATER), { enabled: true, next_run_date: LATER }],
    [
      'disables a cron',
      (cron: DueCron) => due.disable(cron, 'gone'),
      { enabled: false, next_run_date: null, disabled_reason: 'gone' },
    ],
  ])('%s, unless the cron was fired or changed in the meantime', async (_, giveUp, expected) => {
    const [left, changed] = [await newCron(2), await newCron(1)];
    const [one, other] = await due.find(10, ALL);
    const rescheduled = new Date('2098-01-01');
    await database.pool.query('UPDATE crons SET next_run_date = $2 WHERE cron_id = $1', [changed, rescheduled]);
    expect(await giveUp(one)).toBe(true);
    expect(await rowOf(left)).toMatchObject(expected);
    expect(await giveUp(other)).toBe(false);
    expect(await rowOf(changed)).toMatchObject({ enabled: true, next_run_date: rescheduled, disabled_reason: null });
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { renewLeases } from '../../src/runs/queue/renew-leases.js';
import { Rollback } from '../../src/runs/cancel/rollback.js';
import type { ClaimedRun } from '../../src/runs/queue/claimed-run.js';
import { RunClaims } from '../../src/runs/queue/run-claims.js';
import { RunEndings } from '../../src/runs/queue/run-endings.js';
import { type NewRun, RunInserts } from '../../src/runs/queue/run-inserts.js';
import { RunStops } from '../../src/runs/queue/run-stops.js';
import { createDatabase, type TestDatabase, untilWaitingForLocks } from '../support/database.js';

const LEASE = 30_000;
const ATTEMPTS = 4;
const ASSISTANT = randomUUID();

const newRun = (thread_id: string): NewRun => ({
  run_id: randomUUID(),
  thread_id,
  assistant_id: ASSISTANT,
  kwargs: {
    config: { configurable: {} },
    stream_mode: [],
    temporary: false,
    subgraphs: false,
    resumable: false,
    durability: 'async',
  },
  metadata: {},
  caller: null,
  delivery: null,
  on_disconnect: null,
  multitask_strategy: 'enqueue',
  delay_ms: 0,
});

describe('The run queue', () => {
  let database: TestDatabase;
  let claims: RunClaims;
  let endings: RunEndings;
  let inserts: RunInserts;
  let stops: RunStops;
  let rollback: Rollback;

  beforeAll(async () => {
    database = await createDatabase();
    claims = new RunClaims(database.pool);
    endings = new RunEndings(database.pool);
    inserts = new RunInserts(database.pool);
    stops = new RunStops(database.pool);
    const unused = {} as never;
    rollback = new Rollback(stops, unused, unused, unused, unused);
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
  });
  beforeEach(() => database.pool.query('DELETE FROM threads'));
  afterAll(() => database.drop());

  const thread = async (): Promise<string> => {
    const thread_id = randomUUID();
    await inserts.insertThread(database.pool, thread_id);
    return thread_id;
  };
  const enqueue = async (thread_id: string): Promise<NewRun> => {
    const run = newRun(thread_id);
    await inserts.insert(database.pool, run, { metadata: {} });
    return run;
  };
  const newTokens = (count: number): string[] => Array.from({ length: count }, () => randomUUID());
  const claim = (limit = 10): Promise<ClaimedRun[]> => claims.claim(newTokens(limit), LEASE, ATTEMPTS);
  const finish = (run: ClaimedRun) =>
    endings.finish(run, {
      status: 'success',
      thread: { status: 'idle', values: '{"n":1}', interrupts: '{}' },
      output: '{}',
    });
  const threadRow = async (thread_id: string) =>
    (await database.pool.query<{ status: string; newest_run_id: string | null; values: unknown }>(
      'SELECT status, newest_run_id, values FROM threads WHERE thread_id = $1',
      [thread_id],
    )).rows[0]; // prettier-ignore

  it('keeps the first result that a reader stores for a run that was stopped', async () => {
    const { run_id } = await enqueue(await thread());
    const [run] = await claim();
    await finish(run);
    await database.pool.query('UPDATE runs SET output = NULL WHERE run_id = $1', [run_id]);
    const results = await Promise.all([1, 2].map((n) => endings.keepOutput(run_id, `{"result":{"n":${n}}}`)));

    expect(results[0]).toBe(results[1]);
    expect(await endings.keepOutput(run_id, '{"result":{"n":3}}')).toBe(results[0]);
    expect(await endings.findOutput(run_id)).toBe(results[0]);
  });

  it('claims runs with a priority delay after later runs, but not after the delay has passed', async () => {
    const create = async (priority_delay_ms: number): Promise<string> => {
      const run = { ...newRun(await thread()), priority_delay_ms };
      await inserts.insert(database.pool, run, { metadata: {} });
      return run.run_id;
    };
    const scheduled = [await create(60_000), await create(60_000)];
    const asked = [await create(0), await create(0)];
    await database.pool.query(`UPDATE runs SET turn_at = turn_at - interval '1 minute' WHERE run_id = $1`, [
      scheduled[1],
    ]);
    const order: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      order.push(...(await claim(1)).map(({ run_id }) => run_id));
    }
    expect(order).toEqual([scheduled[1], ...asked, scheduled[0]]);
  });

  it('never gives a run to two workers that claim at once', async () => {
    const runs = await Promise.all(Array.from({ length: 40 }, async () => enqueue(await thread())));
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(10)));
    const claimed = claims.flat().map(({ run_id }) => run_id);
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(new Set(claimed)).toEqual(new Set(runs.map(({ run_id }) => run_id)));
  });

  it('claims the runs of a thread one at a time, in order of their creation', async () => {
    const thread_id = await thread();
    const runs = [await enqueue(thread_id), await enqueue(thread_id), await enqueue(thread_id)];
    const order: string[] = [];
    for (const _ of runs) {
      const claimed = await claim();
      expect(claimed).toHaveLength(1);
      expect(await claim()).toEqual([]);
      order.push(claimed[0].run_id);
      await finish(claimed[0]);
    }
    expect(order).toEqual(runs.map(({ run_id }) => run_id));
    expect(await threadRow(thread_id)).toEqual({ status: 'idle', newest_run_id: null, values: { n: 1 } });
  });

  it('does not claim a delayed run before it is due, and claims runs that are due earlier first', async () => {
    const thread_id = await thread();
    const delayed = { ...newRun(thread_id), delay_ms: 60_000 };
    await inserts.insert(database.pool, delayed, { metadata: {} });
    expect(await claim()).toEqual([]);
    const prompt = await enqueue(thread_id);
    const [first] = await claim();
    expect(first.run_id).toBe(prompt.run_id);
    expect(await finish(first)).toEqual({ held: true, more: true });
    expect(await threadRow(thread_id)).toMatchObject({ status: 'busy', newest_run_id: delayed.run_id });
    await database.pool.query('UPDATE runs SET due_at = clock_timestamp() WHERE run_id = $1', [delayed.run_id]);
    const [second] = await claim();
    expect(second.run_id).toBe(delayed.run_id);
    expect(await finish(second)).toEqual({ held: true, more: false });
    expect(await threadRow(thread_id)).toMatchObject({ status: 'idle', newest_run_id: null });
  });

  it('leaves the thread busy when a run is created while the one before it ends', async () => {
    const thread_id = await thread();
    await enqueue(thread_id);
    const [running] = await claim();
    const creator = await database.pool.connect();
    await creator.query('BEGIN');
    await inserts.lockThread(creator, thread_id);
    // The end now waits for the creator, with a snapshot in which the new run does not exist.
    const ending = finish(running);
    await untilWaitingForLocks(database);
    await inserts.insert(creator, newRun(thread_id), { metadata: {} });
    await creator.query('COMMIT');
    creator.release();
    expect(await ending).toEqual({ held: true, more: true });
    expect((await threadRow(thread_id)).status).toBe('busy');
  });

  it('rejects every write of a stale worker whose lease another worker has taken over', async () => {
    const thread_id = await thread();
    await enqueue(thread_id);
    const [first] = await claim();
    await expireLeases(database);
    const [second] = await claim();
    expect(second).toMatchObject({ run_id: first.run_id, attempt: 2 });
    expect(await finish(first)).toEqual({ held: false, more: false });
    expect(await threadRow(thread_id)).toMatchObject({ status: 'busy', values: null });
    const renewal = await renewLeases(database.pool, [first, second], LEASE);
    expect(renewal).toEqual({ held: new Set([second.lease_token]), locked: new Set() });
    expect(await finish(second)).toEqual({ held: true, more: false });
  });

  it('gives up a run that is out of retries', async () => {
    await enqueue(await thread());
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      expect(await claims.findOutOfRetries(ATTEMPTS)).toEqual([]);
      expect(await claim()).toMatchObject([{ attempt }]);
      await expireLeases(database);
    }
    expect(await claim()).toEqual([]);
    expect(await claims.findOutOfRetries(ATTEMPTS)).toMatchObject([{ attempt: ATTEMPTS }]);
  });

  it('gives each run its own lease token, with which the runs of an ambiguous claim are found', async () => {
    const wanted = [await enqueue(await thread()), await enqueue(await thread())].map(({ run_id }) => run_id).sort();
    const tokens = newTokens(3);
    const claimed = await claims.claim(tokens, LEASE, ATTEMPTS);
    expect(claimed.map(({ run_id }) => run_id).sort()).toEqual(wanted);
    expect(claimed.map(({ lease_token }) => lease_token).sort()).toEqual(tokens.slice(0, 2).sort());
    const byId = (a: ClaimedRun, b: ClaimedRun) => a.run_id.localeCompare(b.run_id);
    expect((await claims.findClaimed(tokens)).sort(byId)).toEqual(claimed.sort(byId));
    await finish(claimed[0]);
    expect(await claims.findClaimed(tokens)).toEqual([claimed[1]]);
    expect(await claims.findClaimed(newTokens(2))).toEqual([]);
  });

  it('does not count the attempt of a released run', async () => {
    await enqueue(await thread());
    const [run] = await claim();
    await claims.release(run);
    expect(await claim()).toMatchObject([{ run_id: run.run_id, attempt: 1 }]);
  });

  it('counts the attempts of a run that is released too often', async () => {
    await enqueue(await thread());
    const attempts: number[] = [];
    for (let claimed = 0; claimed <= 102; claimed += 1) {
      const [run] = await claim();
      attempts.push(run.attempt);
      await claims.release(run);
    }
    expect(attempts.slice(0, 101)).toEqual(Array(101).fill(1));
    expect(attempts.slice(101)).toEqual([2, 3]);
  });

  it('leaves the thread to its remaining runs when a run is interrupted', async () => {
    const thread_id = await thread();
    const [first, second] = [await enqueue(thread_id), await enqueue(thread_id)];
    const stop = async (run: NewRun) => {
      const stopped = await stops.interrupt(database.pool, thread_id, [run.run_id]);
      await stops.releaseThread(database.pool, thread_id, {
        interrupted: stopped.some(({ was }) => was === 'running'),
        retentionMs: 0,
      });
      return stopped;
    };
    await claim();
    expect(await stop(second)).toEqual([{ run_id: second.run_id, was: 'pending' }]);
    expect(await threadRow(thread_id)).toMatchObject({ status: 'busy', newest_run_id: first.run_id });
    expect(await stop(first)).toEqual([{ run_id: first.run_id, was: 'running' }]);
    expect(await threadRow(thread_id)).toMatchObject({ status: 'idle', newest_run_id: null });
    expect(await stop(first)).toEqual([]);
  });

  it('removes the lease of a stopped run, so that its worker cannot end it', async () => {
    const thread_id = await thread();
    await enqueue(thread_id);
    const [running] = await claim();
    await stops.interrupt(database.pool, thread_id);
    expect(await finish(running)).toEqual({ held: false, more: false });
  });

  it('deletes a run that is rolled back and its checkpoints, and nothing else', async () => {
    const thread_id = await thread();
    const run = await enqueue(thread_id);
    await database.pool.query(
      `INSERT INTO checkpoints (thread_id, checkpoint_id, checkpoint, metadata)
       VALUES ($1, 'before', '{}', '{"run_id": "other"}'), ($1, 'mine', '{}', jsonb_build_object('run_id', $2::text))`,
      [thread_id, run.run_id],
    );
    await database.pool.query(
      `INSERT INTO checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, type, blob, run_id)
       VALUES ($1, 'before', 't', 0, 'c', 'json', '1', NULL), ($1, 'before', 't', 1, 'c', 'json', '1', $2),
              ($1, 'mine', 't', 0, 'c', 'json', '1', NULL)`,
      [thread_id, run.run_id],
    );
    await rollback.stop(database.pool, thread_id);
    const left = async (table: string) =>
      (await database.pool.query<object>(`SELECT checkpoint_id FROM ${table} WHERE thread_id = $1`, [thread_id])).rows;
    expect(await left('checkpoints')).toEqual([{ checkpoint_id: 'before' }]);
    expect(await left('checkpoint_writes')).toEqual([{ checkpoint_id: 'before' }]);
    expect(await endings.findEnded([run.run_id])).toEqual([run.run_id]);
  });

  it('keeps the result of a stateless run until its thread has expired', async () => {
    const run = { ...newRun(randomUUID()), kwargs: { ...newRun('').kwargs, temporary: true } };
    const lease = { token: randomUUID(), ms: LEASE };
    await inserts.insertWithThread(database.pool, run, { hidden: true, metadata: {}, config: {} }, lease);
    const claimed = { ...run, attempt: 1, lease_token: lease.token };
    expect(
      await endings.finishTemporary(
        claimed,
        { status: 'success', thread: { status: 'idle', interrupts: '{}' }, output: '{"a":1}' },
        60_000,
      ),
    ).toMatchObject({
      held: true,
    });
    expect(await endings.deleteExpired(10)).toBe(0);
    await database.pool.query(`UPDATE threads SET expires_at = now() - interval '1 second'`);
    expect(await endings.deleteExpired(10)).toBe(1);
    expect(await endings.findEnded([run.run_id])).toEqual([run.run_id]);
  });
});

const expireLeases = (database: TestDatabase) =>
  database.pool.query(`UPDATE runs SET lease_until = now() - interval '1 second' WHERE status = 'running'`);

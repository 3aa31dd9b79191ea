import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Rollback } from '../../src/runs/cancel/rollback.js';
import type { ClaimedRun } from '../../src/runs/queue/claimed-run.js';
import { RunClaims } from '../../src/runs/queue/run-claims.js';
import { type RunEnd, RunEndings } from '../../src/runs/queue/run-endings.js';
import { type NewRun, RunInserts } from '../../src/runs/queue/run-inserts.js';
import { RunStops } from '../../src/runs/queue/run-stops.js';
import { type ClaimLimits, type Delivery, WebhookOutbox } from '../../src/runs/queue/webhook-outbox.js';
import type { RunKwargs } from '../../src/runs/run.entity.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const ASSISTANT = randomUUID();
const URL = 'https://user:secret@Hooks.Example.com:8443/ended?x=1';
const LEASE = 30_000;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const ALL: ClaimLimits = {
  deliveries: 100,
  per_target: 100,
  in_flight: new Map(),
  own_paths: true,
  lease_ms: LEASE,
  max_attempts: 3,
};

const newRun = (kwargs: Partial<RunKwargs> = {}, thread_id: string = randomUUID()): NewRun => ({
  run_id: randomUUID(),
  thread_id,
  assistant_id: ASSISTANT,
  kwargs: {
    config: { configurable: {} },
    stream_mode: [],
    webhook: URL,
    temporary: false,
    subgraphs: false,
    resumable: false,
    durability: 'async',
    ...kwargs,
  },
  metadata: { purpose: 'test' },
  caller: null,
  delivery: null,
  on_disconnect: null,
  multitask_strategy: 'enqueue',
  delay_ms: 0,
});

const payloadOf = ({ payload }: Delivery) => JSON.parse(payload) as Record<string, unknown>;

describe('WebhookOutbox', () => {
  let database: TestDatabase;
  let claims: RunClaims;
  let endings: RunEndings;
  let inserts: RunInserts;
  let stops: RunStops;
  let rollback: Rollback;
  let outbox: WebhookOutbox;

  beforeAll(async () => {
    database = await createDatabase();
    claims = new RunClaims(database.pool);
    endings = new RunEndings(database.pool);
    inserts = new RunInserts(database.pool);
    stops = new RunStops(database.pool);
    const unused = {} as never;
    rollback = new Rollback(stops, unused, unused, unused, unused);
    outbox = new WebhookOutbox(database.pool);
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
  });
  beforeEach(() => database.pool.query('TRUNCATE threads, webhook_deliveries CASCADE'));
  afterAll(() => database.drop());

  const lease = () => ({ token: randomUUID(), ms: LEASE });

  /** A run that is being executed, on a thread of its own. */
  const begin = async (kwargs?: Partial<RunKwargs>): Promise<ClaimedRun> => {
    const run = newRun(kwargs);
    const { token, ms } = lease();
    if (run.kwargs.temporary) {
      await inserts.insertWithThread(database.pool, run, { hidden: true, metadata: {}, config: {} }, { token, ms });
    } else {
      await inserts.insertThread(database.pool, run.thread_id);
      await inserts.insert(database.pool, run, { metadata: {} }, { token, ms });
    }
    return { ...run, attempt: 1, lease_token: token };
  };

  const enqueue = async (kwargs?: Partial<RunKwargs>): Promise<NewRun> => {
    const run = newRun(kwargs);
    await inserts.insertThread(database.pool, run.thread_id);
    await inserts.insert(database.pool, run, { metadata: {} });
    return run;
  };

  const ended = ({ values, output = '{}' }: { values?: string; output?: string }): RunEnd => ({
    status: 'success',
    thread: { status: 'idle', interrupts: '{}', values },
    output,
  });

  const finish = (run: ClaimedRun, end: { values?: string } = { values: '{"n": 1}' }) =>
    endings.finish(run, { status: 'success', thread: { status: 'idle', interrupts: '{}', ...end }, output: '{}' });

  const claim = (limits: Partial<ClaimLimits> = {}): Promise<Delivery[]> => outbox.claim({ ...ALL, ...limits });

  /** A delivery that has been claimed. */
  const delivery = async (kwargs?: Partial<RunKwargs>): Promise<Delivery> => {
    await finish(await begin(kwargs));
    return (await claim())[0];
  };

  const count = async (condition = 'true'): Promise<number> =>
    (await database.pool.query(`SELECT FROM webhook_deliveries WHERE ${condition}`)).rowCount ?? 0;

  const makeDue = () => database.pool.query(`UPDATE webhook_deliveries SET due_at = now() - interval '1 second'`);

  describe('is filled when', () => {
    it('a run ends: with the complete run', async () => {
      const run = await begin({ input: { text: 'ä\u0000"\ud800', big: 1e21 } });
      const error = { error: 'E', message: 'm' };
      const thread = { status: 'error', values: '{"z": 1, "a": [1.50]}', interrupts: '{}' } as const;
      await endings.finish(run, { status: 'error', error, thread, output: '{}' });
      const [{ payload, ...rest }] = await claim();
      expect(rest).toEqual({
        caller: null,
        run_id: run.run_id,
        thread_id: run.thread_id,
        url: URL,
        target: 'hooks.example.com:8443',
        state: '{"z": 1, "a": [1.50]}',
        read_state: false,
        attempts: 1,
        lease_token: expect.any(String),
      });
      const { created_at, updated_at, run_started_at, run_ended_at, ...sent } = payloadOf({ payload } as Delivery);
      expect(sent).toEqual({
        run_id: run.run_id,
        thread_id: run.thread_id,
        assistant_id: ASSISTANT,
        status: 'error',
        metadata: { purpose: 'test' },
        kwargs: run.kwargs,
        multitask_strategy: 'enqueue',
        cancel_reason: null,
        error,
      });
      const moments = [created_at, run_started_at, run_ended_at].map(String);
      moments.forEach((moment) => expect(moment).toMatch(MOMENT));
      expect(moments).toEqual([...moments].sort());
      expect(updated_at).toBe(run_ended_at);
      const { rows } = await database.pool.query<{ created_at: Date; updated_at: Date }>('SELECT * FROM runs');
      expect([rows[0].created_at.toISOString(), rows[0].updated_at.toISOString()]).toEqual([created_at, updated_at]);
    });

    it('a stateless run ends: without its thread, which may be deleted', async () => {
      const run = await begin({ temporary: true });
      await endings.finishTemporary(run, ended({ values: '{"n":1}', output: '{"__x__":1}' }), 0);
      await database.pool.query('DELETE FROM threads');
      const [delivery] = await claim();
      expect(delivery).toMatchObject({ run_id: run.run_id, thread_id: null, state: '{"n":1}', read_state: false });
      expect(payloadOf(delivery)).toMatchObject({ thread_id: run.thread_id, status: 'success' });
      expect(payloadOf(delivery)).not.toHaveProperty('error');
    });

    it('a run that started later than it was created ends: with the time of its start', async () => {
      await enqueue();
      await database.pool.query(`UPDATE runs SET created_at = now() - interval '1 hour', updated_at = now()`);
      const [run] = await claims.claim([randomUUID()], LEASE, 4);
      const { rows } = await database.pool.query<{ updated_at: Date }>('SELECT updated_at FROM runs');
      await finish(run);
      expect(payloadOf((await claim())[0])).toMatchObject({ run_started_at: rows[0].updated_at.toISOString() });
    });

    it('a run ends without a known state: with the values of the thread, and the state is read later', async () => {
      const run = await begin();
      await database.pool.query(`UPDATE threads SET values = '{"before": 1}'`);
      await finish(run, {});
      expect(await claim()).toMatchObject([{ state: '{"before": 1}', read_state: true }]);
    });

    it('runs are stopped: a run that has started may have a newer state than the thread', async () => {
      const running = await begin();
      const pending = newRun({}, running.thread_id);
      await inserts.insert(database.pool, pending, { metadata: {} });
      await database.pool.query(`UPDATE threads SET values = '{"before": 1}'`);
      await stops.interrupt(database.pool, running.thread_id);
      const claimed = new Map((await claim()).map((delivery) => [delivery.run_id, delivery]));
      const [first, second] = [running, pending].map(({ run_id }) => claimed.get(run_id)!);
      expect(first).toMatchObject({ state: '{"before": 1}', read_state: true });
      expect(payloadOf(first)).toMatchObject({ status: 'interrupted', run_started_at: expect.stringMatching(MOMENT) });
      expect(second).toMatchObject({ state: '{"before": 1}', read_state: false });
      expect(payloadOf(second)).toMatchObject({ status: 'interrupted', run_started_at: null });
    });
  });

  describe('stays empty when', () => {
    it('runs without a webhook end with any status', async () => {
      const none = { webhook: undefined };
      await finish(await begin(none));
      await endings.finishTemporary(await begin({ ...none, temporary: true }), ended({}), 0);
      const input = 'a NUL, which operators of json refuse: \u0000';
      const { thread_id } = await begin({ ...none, input });
      expect(await stops.interrupt(database.pool, thread_id)).toHaveLength(1);
      expect(await count()).toBe(0);
    });

    it('a run is rolled back', async () => {
      const { thread_id } = await begin();
      expect(await rollback.stop(database.pool, thread_id)).toHaveLength(1);
      expect(await count()).toBe(0);
    });

    it('the end of a run is discarded because another worker has its lease', async () => {
      const run = await begin();
      await database.pool.query('UPDATE runs SET lease_token = gen_random_uuid()');
      expect(await finish(run)).toEqual({ held: false, more: false });
      expect(await count()).toBe(0);
    });

    it('the transaction that stops a run is rolled back', async () => {
      const { thread_id } = await begin();
      const client = await database.pool.connect();
      await client.query('BEGIN');
      await stops.interrupt(client, thread_id);
      await client.query('ROLLBACK');
      client.release();
      expect(await count()).toBe(0);
    });
  });

  it('has one delivery of a run that two writers try to end at once', async () => {
    const run = await begin();
    const ends = await Promise.all([finish(run), finish(run), stops.interrupt(database.pool, run.thread_id)]);
    expect(ends.slice(0, 2).filter((end) => 'held' in end && end.held).length + (ends[2] as unknown[]).length).toBe(1);
    expect(await count()).toBe(1);
  });

  describe('when it is claimed', () => {
    const fill = async (url: string, amount: number): Promise<void> => {
      await database.pool.query(
        `INSERT INTO webhook_deliveries (run_id, url, payload, read_state)
         SELECT gen_random_uuid(), $1, '{}', false FROM generate_series(1, $2::integer)`,
        [url, amount],
      );
    };

    it('never gives a delivery to two processes', async () => {
      for (const host of ['a', 'b', 'c', 'd']) {
        await fill(`https://${host}.example/`, 50);
      }
      const claims = await Promise.all(Array.from({ length: 10 }, () => claim({ deliveries: 30, per_target: 10 })));
      const claimed = claims.flat().map(({ run_id }) => run_id);
      expect(claimed.length).toBeGreaterThan(0);
      expect(new Set(claimed).size).toBe(claimed.length);
      expect(Math.max(...claims.map(({ length }) => length))).toBeLessThanOrEqual(30);
    });

    it('respects the limit per target, and does not delay other targets', async () => {
      await fill('https://dead.example/1', 500);
      await fill('https://dead.example/2', 500);
      await fill('https://alive.example/', 2);
      await fill('/path', 3);
      const targets = (deliveries: Delivery[]) => deliveries.map(({ target }) => target).sort();
      const limits = { deliveries: 20, per_target: 2 };
      expect(targets(await claim(limits))).toEqual([
        '',
        '',
        'alive.example',
        'alive.example',
        'dead.example',
        'dead.example',
      ]);
      await fill('https://alive.example/', 1);
      const in_flight = new Map([['dead.example', 2], ['', 1]]); // prettier-ignore
      expect(targets(await claim({ ...limits, in_flight }))).toEqual(['', 'alive.example']);
    });

    it('claims the oldest first', async () => {
      await fill('https://new.example/', 1);
      await fill('https://old.example/', 1);
      await database.pool.query(
        `UPDATE webhook_deliveries SET due_at = due_at - interval '1 minute' WHERE target = 'old.example'`,
      );
      expect(await claim({ deliveries: 1 })).toMatchObject([{ target: 'old.example' }]);
    });

    it('leaves paths of the server to processes that listen', async () => {
      await fill('/path', 1);
      expect(await claim({ own_paths: false })).toEqual([]);
      expect(await claim()).toHaveLength(1);
    });

    it('identifies a target by host and port only', async () => {
      const urls = ['https://u:p@A.example/x', 'HTTPS://a.example?y', 'https://u@p@a.example#z', 'https://a.example'];
      for (const url of urls) {
        await fill(url, 1);
      }
      expect((await claim()).map(({ target }) => target)).toEqual(urls.map(() => 'a.example'));
    });

    it('gives the deliveries of a crashed process to another once the lease has expired, and not earlier', async () => {
      const first = await delivery();
      expect(await claim()).toEqual([]);
      await makeDue();
      const [second] = await claim();
      expect(second).toMatchObject({ run_id: first.run_id, attempts: 2 });
      await outbox.remove(first);
      await outbox.fail(first, 'late');
      await outbox.retry(first, 0, 'late');
      await outbox.release(first);
      await outbox.keepState(first, '{"late": true}');
      expect(await count(`failed_at IS NULL AND lease_token IS NOT NULL AND last_error IS NULL AND attempts = 2`)).toBe(
        1,
      );
      await outbox.remove(second);
      expect(await count()).toBe(0);
    });
  });

  describe('after an attempt', () => {
    it('does not claim a retry before it is due', async () => {
      const first = await delivery();
      await outbox.retry(first, 60_000, 'HTTP 500');
      expect(await claim()).toEqual([]);
      expect(await count(`last_error = 'HTTP 500' AND lease_token IS NULL`)).toBe(1);
      await makeDue();
      expect(await claim()).toMatchObject([{ attempts: 2, url: first.url, payload: first.payload }]);
    });

    it('does not count the attempt of a process that shuts down', async () => {
      await outbox.release(await delivery());
      expect(await claim()).toMatchObject([{ attempts: 1 }]);
    });

    it('does not claim failed deliveries', async () => {
      await outbox.fail(await delivery(), 'HTTP 404');
      await makeDue();
      expect(await claim()).toEqual([]);
      expect(await count(`last_error = 'HTTP 404' AND failed_at IS NOT NULL`)).toBe(1);
    });

    it('keeps a state that was read for the next attempt', async () => {
      await outbox.keepState(await delivery(), '{"found": 1}');
      await makeDue();
      const [second] = await claim();
      expect(second).toMatchObject({ state: '{"found": 1}', read_state: false });
      await outbox.keepState(second, undefined);
      await makeDue();
      expect(await claim()).toMatchObject([{ state: '{"found": 1}' }]);
    });

    it('marks a delivery as failed whose process died in the last attempt', async () => {
      await delivery();
      for (let attempt = 2; attempt <= ALL.max_attempts; attempt += 1) {
        await makeDue();
        expect(await claim()).toMatchObject([{ attempts: attempt }]);
        await outbox.failAbandoned(ALL.max_attempts);
      }
      expect(await count('failed_at IS NULL')).toBe(1);
      await makeDue();
      expect(await claim()).toEqual([]);
      await outbox.failAbandoned(ALL.max_attempts);
      expect(await count('failed_at IS NOT NULL AND last_error IS NOT NULL')).toBe(1);
    });
  });

  describe('is swept', () => {
    const HOUR = 3_600_000;

    it('of failed deliveries after a while, in batches', async () => {
      for (let n = 0; n < 3; n += 1) {
        await outbox.fail(await delivery(), 'HTTP 404');
      }
      expect(await outbox.removeFailed(2, HOUR)).toBe(0);
      await database.pool.query(`UPDATE webhook_deliveries SET failed_at = now() - interval '2 hours'`);
      expect(await outbox.removeFailed(2, HOUR)).toBe(2);
      expect(await outbox.removeFailed(2, HOUR)).toBe(1);
    });

    it('of failed deliveries whose thread has been deleted; the thread of a stateless run does not matter', async () => {
      await outbox.fail(await delivery(), 'HTTP 404');
      const stateless = await begin({ temporary: true });
      await endings.finishTemporary(stateless, ended({}), 0);
      await outbox.fail((await claim())[0], 'HTTP 404');
      await finish(await begin());
      await database.pool.query('DELETE FROM threads');
      expect(await outbox.removeFailed(10, HOUR)).toBe(1);
      expect(await count(`run_id = '${stateless.run_id}'`)).toBe(1);
      // What has not failed is still sent.
      expect(await claim()).toHaveLength(1);
    });
  });
});

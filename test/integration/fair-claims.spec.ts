import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { callerKeyOf, UNKNOWN_CALLER } from '../../src/runs/queue/caller-key.js';
import {
  CLAIM_FAIRLY,
  type FairClaim,
  FairClaims,
  fairParameters,
  type FairTerms,
} from '../../src/runs/queue/fair-claims.js';
import { SlotShares } from '../../src/runs/worker/slot-shares.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const LEASE = 30_000;
const ATTEMPTS = 4;
const ASSISTANT = randomUUID();
const MANY = 100_000;

/** Pages that a claim may read: a few per caller in its window, however many runs are pending. */
const MAX_BUFFERS = 3_000;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describe('FairClaims', () => {
  let database: TestDatabase;
  let claims: FairClaims;
  let identities: Map<string, string>;

  beforeAll(async () => {
    database = await createDatabase();
    claims = new FairClaims(database.pool);
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
  });
  beforeEach(async () => {
    identities = new Map([[UNKNOWN_CALLER, '-']]);
    await database.pool.query('TRUNCATE threads CASCADE');
  });
  afterAll(() => database.drop());

  /** A transaction of another process; rolled back afterwards. */
  const inTransaction = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      return await work(client);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };
  const keyOf = (identity: string): string => {
    const key = callerKeyOf(identity);
    identities.set(key, identity);
    return key;
  };
  /** Pending runs on their own threads, created so many seconds ago. */
  const enqueue = async (identity: string, count = 1, seconds = 0, fields = 'false, 0'): Promise<void> => {
    await database.pool.query(
      `WITH thread AS (
         INSERT INTO threads (thread_id) SELECT gen_random_uuid() FROM generate_series(1, $1::integer) RETURNING thread_id
       ) INSERT INTO runs (run_id, thread_id, assistant_id, kwargs, multitask_strategy, caller_key, due_at, turn_at, is_delayed)
         SELECT gen_random_uuid(), thread_id, $2, '{}', 'enqueue', $3, at, at + yields * interval '1 second', is_delayed
         FROM thread, (SELECT clock_timestamp() - $4 * interval '1 second') AS moment (at),
              (SELECT ${fields}) AS fields (is_delayed, yields)`,
      [count, ASSISTANT, keyOf(identity), seconds],
    );
  };
  const claim = (slots: number, terms: FairTerms): Promise<FairClaim> =>
    claims.claim(Array.from({ length: slots }, () => randomUUID()), LEASE, ATTEMPTS, terms); // prettier-ignore
  const callersOf = ({ runs }: FairClaim): string[] =>
    runs.map(({ caller_key }) => identities.get(caller_key!)!).sort();

  /** A process with slots that claims on request. */
  const newProcess = (slots: number, { slot_share = 0.8, weights = {} } = {}) => {
    const shares = new SlotShares(slots, { slot_share, weights });
    const running: { key: string; run_id: string }[] = [];
    const fill = async (): Promise<FairClaim> => {
      const result = await claim(slots - running.length, shares.terms());
      const keys = result.runs.map(({ caller_key }) => caller_key!);
      keys.forEach((key) => shares.take(key));
      shares.note(keys, result.now, result.window_end);
      running.push(...result.runs.map(({ run_id, caller_key }) => ({ key: caller_key!, run_id })));
      return result;
    };
    /** The oldest run of a caller, or of all, ends. */
    const end = async (identity?: string): Promise<void> => {
      const index = running.findIndex(({ key }) => identity === undefined || key === callerKeyOf(identity));
      const [{ key, run_id }] = running.splice(index, 1);
      shares.release(key);
      await database.pool.query(`UPDATE runs SET status = 'success' WHERE run_id = $1`, [run_id]);
    };
    return { fill, end, running: () => running.map(({ key }) => identities.get(key)!).sort() };
  };
  const times = (identity: string, count: number): string[] => Array.from({ length: count }, () => identity);

  it('gives the reserve of a process only to callers without a running run', async () => {
    await enqueue('alice', 20, 60);
    const { fill, running } = newProcess(10);
    expect(await fill()).toMatchObject({ is_held_back: true, is_partial: false });
    expect(running()).toEqual(times('alice', 8));
    expect((await fill()).runs).toEqual([]);
    await enqueue('bob', 5);
    await fill();
    expect(running()).toEqual([...times('alice', 8), 'bob']);
    await enqueue('carol', 5);
    expect(await fill()).toMatchObject({ is_held_back: true });
    expect(running()).toEqual([...times('alice', 8), 'bob', 'carol']);
  });

  it('gives slots that become free to the caller with the fewest running runs', async () => {
    await enqueue('alice', 30, 60);
    const { fill, end, running } = newProcess(10);
    await fill();
    await enqueue('bob', 30);
    for (let turn = 0; turn < 10; turn += 1) {
      await fill();
      await end('alice');
    }
    await fill();
    expect(running()).toEqual([...times('alice', 4), ...times('bob', 4)]);
  });

  it('gives a single slot to callers in turn, however many runs one of them has', async () => {
    await enqueue('alice', 50, 60);
    await enqueue('bob', 3, 5);
    await enqueue('carol', 3, 4);
    const { fill, end } = newProcess(1);
    const order: string[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      order.push(...callersOf(await fill()));
      await end();
    }
    expect(order).toEqual(['alice', 'bob', 'carol', 'alice', 'bob', 'carol', 'alice', 'bob', 'carol', 'alice']);
  });

  it('gives longer turns and more slots to callers with a higher weight', async () => {
    await enqueue('alice', 50, 5);
    await enqueue('bob', 50, 60);
    const one = newProcess(1, { weights: { alice: 3 } });
    const order: string[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      order.push(...callersOf(await one.fill()));
      await one.end();
    }
    expect(order.filter((identity) => identity === 'alice')).toHaveLength(6);
    const many = newProcess(10, { weights: { alice: 3 } });
    await many.fill();
    expect(many.running()).toEqual([...times('alice', 6), ...times('bob', 2)]);
  });

  it('counts all runs without a known caller as the runs of one caller', async () => {
    await enqueue('alice', 1);
    await enqueue('bob', 30, 60);
    await database.pool.query('UPDATE runs SET caller_key = $1 WHERE caller_key = $2', [UNKNOWN_CALLER, keyOf('bob')]);
    const { fill, running } = newProcess(10);
    await fill();
    expect(running()).toEqual([...times('-', 7), 'alice']);
  });

  it('claims runs of crons last, for every caller', async () => {
    await enqueue('cron', 5, 10, 'false, 60');
    await enqueue('alice', 3);
    const { fill } = newProcess(3);
    expect(callersOf(await fill())).toEqual(['alice', 'alice', 'cron']);
  });

  it('claims delayed runs once they are due, and not before', async () => {
    await enqueue('alice', 1, -60, 'true, 0');
    const { fill } = newProcess(10);
    expect(await fill()).toMatchObject({ runs: [], is_partial: false });
    await database.pool.query('UPDATE runs SET due_at = clock_timestamp()');
    expect(await fill()).toMatchObject({ runs: [], is_partial: true });
    expect(callersOf(await fill())).toEqual(['alice']);
  });

  it('does not visit callers who only have delayed runs', async () => {
    for (let index = 0; index < 9; index += 1) {
      await enqueue(`user-${index}`, 1, -60, 'true, 0');
    }
    await enqueue('alice');
    for (const after of identities.keys()) {
      const terms = { standings: [], reserve: 0, window: 1, after };
      const { runs } = await claim(1, terms);
      expect(runs).toHaveLength(1);
      await database.pool.query(`UPDATE runs SET status = 'pending' WHERE run_id = $1`, [runs[0].run_id]);
    }
  });

  it('claims runs of dead processes, within the share of their caller', async () => {
    await enqueue('alice', 20);
    const lost = newProcess(10);
    await lost.fill();
    await database.pool.query(`UPDATE runs SET lease_until = now() - interval '1 second' WHERE status = 'running'`);
    const { fill, running } = newProcess(5);
    const { runs } = await fill();
    expect(running()).toEqual(times('alice', 4));
    expect(runs.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2]);
  });

  it('never gives a run to two processes, and reports a partial claim to the second', async () => {
    await enqueue('alice', 1);
    const terms = { standings: [], reserve: 0, window: 10, after: UNKNOWN_CALLER };
    await inTransaction(async (other) => {
      await other.query('SELECT FROM runs FOR UPDATE');
      expect(await claim(5, terms)).toMatchObject({ runs: [], is_partial: true });
    });
    expect(await claim(5, terms)).toMatchObject({ runs: [expect.anything()], is_partial: false });
    await enqueue('bob', 40);
    const results = await Promise.all(Array.from({ length: 8 }, () => claim(5, terms)));
    const ids = results.flatMap(({ runs }) => runs.map(({ run_id }) => run_id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(results.every(({ runs, is_partial }) => runs.length === 5 || is_partial)).toBe(true);
  });

  it('does not wait for a run that another transaction has locked', async () => {
    await enqueue('alice', 1, 60);
    await enqueue('bob');
    const terms = { standings: [], reserve: 0, window: 10, after: UNKNOWN_CALLER };
    await inTransaction(async (other) => {
      await other.query('SELECT FROM runs ORDER BY turn_at LIMIT 1 FOR UPDATE');
      const result = await claim(2, terms);
      expect(callersOf(result)).toEqual(['bob']);
      expect(result.is_partial).toBe(true);
    });
  });

  it('visits as many callers as fit into its window, and the others in the next claim', async () => {
    for (let index = 0; index < 9; index += 1) {
      await enqueue(`user-${index}`);
    }
    const keys = [...identities.keys()].filter((key) => key !== UNKNOWN_CALLER).sort();
    const terms = { standings: [], reserve: 0, window: 4, after: keys[6] };
    const first = await claim(10, terms);
    expect(first).toMatchObject({ is_partial: true, window_end: keys[1] });
    expect(first.runs.map(({ caller_key }) => caller_key).sort()).toEqual([keys[0], keys[1], keys[7], keys[8]]);
    const second = await claim(10, { ...terms, after: keys[1] });
    expect(second.runs.map(({ caller_key }) => caller_key).sort()).toEqual(keys.slice(2, 6));
    expect(await claim(10, { ...terms, after: keys[5] })).toMatchObject({ is_partial: false, window_end: null });
  });
});

describe.each([
  ['one caller', '$2::uuid'],
  ['a hundred callers', 'md5((n % 100)::text)::uuid'],
  ['as many callers', 'md5(n::text)::uuid'],
])('a claim with 100,000 waiting runs of %s', (_, caller) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
    await database.pool.query(
      `WITH thread AS (
         INSERT INTO threads (thread_id) SELECT gen_random_uuid() FROM generate_series(1, ${MANY}) RETURNING thread_id
       ) INSERT INTO runs (run_id, thread_id, assistant_id, kwargs, multitask_strategy, caller_key)
         SELECT gen_random_uuid(), thread_id, $1, '{}', 'enqueue', ${caller}
         FROM (SELECT thread_id, row_number() OVER () AS n FROM thread) AS numbered WHERE $2::uuid IS NOT NULL`,
      [ASSISTANT, callerKeyOf('hog')],
    );
    await database.pool.query('VACUUM ANALYZE runs, threads');
  }, 240_000);
  afterAll(() => database.drop());

  it.each(['force_custom_plan', 'force_generic_plan'])('reads a bounded number of pages (%s)', async (mode) => {
    const client = await database.pool.connect();
    try {
      await client.query(`SET plan_cache_mode = ${mode}`);
      const terms = new SlotShares(10, { slot_share: 0.8, weights: {} }).terms();
      const tokens = Array.from({ length: 10 }, () => randomUUID());
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>({
        name: `fair_${mode}`,
        text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${CLAIM_FAIRLY}`,
        values: fairParameters(tokens, LEASE, ATTEMPTS, terms),
      });
      const [{ Plan: plan }] = rows[0]['QUERY PLAN'];
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(MAX_BUFFERS);
      const scans = nodesOf(plan).filter((node) => node['Relation Name'] === 'runs');
      expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    } finally {
      client.release();
    }
  });
});

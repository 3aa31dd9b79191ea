import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { JsonText, jsonChunks } from '../../src/common/index.js';
import { dataSourceOptions, poolOf } from '../../src/database/data-source.js';
import { Sql } from '../../src/database/sql.js';
import { SqlParameters } from '../../src/database/sql-parameters.js';
import { ThreadCounts } from '../../src/threads/thread-counts.js';
import { threadConditions, type ThreadFilter } from '../../src/threads/thread-filter.js';
import { ThreadSearchService } from '../../src/threads/thread-search.service.js';
import type { ThreadSearchRequest } from '../../src/threads/dto/thread-requests.dto.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const LARGE = 'x'.repeat(2_000);

describe('Searching threads', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let counts: ThreadCounts;
  let searches: ThreadSearchService;
  const query = <R>(sql: string, values?: unknown[]) => dataSource.query<R[]>(sql, values);

  beforeAll(async () => {
    database = await createDatabase();
    dataSource = new DataSource(dataSourceOptions({ uri: database.uri, pool_size: 8 }));
    await dataSource.initialize();
    const sql = new Sql(poolOf(dataSource), true);
    counts = new ThreadCounts(sql);
    searches = new ThreadSearchService(sql, counts);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });
  beforeEach(() => query('TRUNCATE threads CASCADE'));

  const insert = async (values: unknown): Promise<string> => {
    const id = randomUUID();
    await query('INSERT INTO threads (thread_id, values) VALUES ($1, $2::jsonb)', [id, JSON.stringify(values)]);
    return id;
  };
  const request = (given: Partial<ThreadSearchRequest>): ThreadSearchRequest => ({ limit: 100, offset: 0, ...given });

  describe('by their values', () => {
    const VALUES = [
      null,
      {},
      [],
      [{ a: 1 }],
      'text',
      { a: 1 },
      { a: 1, b: null },
      { a: null },
      { a: LARGE },
      { a: { deep: [1, 2, { c: LARGE }] }, b: 2 },
      { a: [1, 2, 3], b: { c: { d: 'e' } } },
      { a: [LARGE, { type: 'human' }] },
      { 'k"\\': 'v', '': 0 },
      { a: {}, b: [] },
    ];
    const FILTERS = [
      {},
      { a: 1 },
      { a: null },
      { b: null },
      { a: 1, b: null },
      { a: LARGE },
      { a: { deep: [2] } },
      { a: { deep: [{ c: LARGE }] } },
      { a: { deep: [{ c: 'other' }] } },
      { a: { deep: [2] }, b: 2 },
      { a: [3, 1] },
      { a: [{ type: 'human' }] },
      { a: [null] },
      { b: { c: {} } },
      { a: {} },
      { a: [] },
      { 'k"\\': 'v' },
      { '': 0 },
      { a: 1, c: 1 },
    ];

    it.each(FILTERS.map((filter) => [JSON.stringify(filter).slice(0, 60), filter] as const))(
      'finds exactly the threads that contain %s',
      async (_, values) => {
        const ids = await Promise.all(VALUES.map(insert));
        const all = await query<{ thread_id: string }>(
          `SELECT thread_id FROM threads WHERE values::jsonb @> $1::jsonb AND json_typeof(values) = 'object'`,
          [JSON.stringify(values)],
        );
        const { rows, total } = await searches.search(request({ values, select: ['thread_id'] }));
        const indexesOf = (found: { thread_id: string }[]) => found.map((row) => ids.indexOf(row.thread_id)).sort();
        expect(indexesOf(rows)).toEqual(indexesOf(all));
        expect(total).toBe(all.length);
      },
    );
  });

  describe('has totals', () => {
    const FILTERS: ThreadFilter[] = [
      {},
      { metadata: {} },
      { status: 'idle' },
      { status: 'busy' },
      { metadata: { graph_id: 'a' } },
      { metadata: { graph_id: 'a', assistant_id: 'y' } },
      { metadata: { assistant_id: 'y' }, status: 'error' },
      { metadata: { graph_id: 1 } },
      { metadata: { graph_id: null } },
      { metadata: { graph_id: { a: 1 } } },
      { metadata: { graph_id: {} } },
      { metadata: { graph_id: 'a', other: 1 } },
      { metadata: { graph_id: 'nobody' } },
    ];
    const expectTruth = async (): Promise<void> => {
      for (const filter of FILTERS) {
        const parameters = new SqlParameters();
        const where = threadConditions(filter, parameters);
        const sql = `SELECT count(*)::int AS n FROM threads thread WHERE ${where}`;
        const [{ n }] = await query<{ n: number }>(sql, parameters.values);
        expect([filter, await counts.total(filter)]).toEqual([filter, n]);
      }
    };
    /** Inserts, updates and deletes threads, visible and hidden, alone or concurrently. */
    const change = async (seed: number): Promise<void> => {
      const pick = <T>(list: T[], n: number): T => list[(seed * 7 + n * 13) % list.length];
      for (let n = 0; n < 25; n++) {
        const metadata = JSON.stringify(
          pick([{}, { graph_id: 'a' }, { graph_id: 'a', assistant_id: 'y' }, { graph_id: 1 }, { graph_id: { a: 1 }, other: 1 }, { graph_id: ['a'] }], n), // prettier-ignore
        );
        const id = randomUUID();
        await query('INSERT INTO threads (thread_id, metadata, hidden) VALUES ($1, $2, $3)', [
          id,
          metadata,
          n % 5 === 0,
        ]);
        await query('INSERT INTO threads (thread_id) VALUES ($1) ON CONFLICT DO NOTHING', [id]);
        await query('UPDATE threads SET status = $2, values = $3 WHERE thread_id = $1', [
          id,
          pick(['idle', 'busy', 'error'], n),
          '{}',
        ]);
        await query(`UPDATE threads SET metadata = metadata || $2 WHERE thread_id = $1`, [
          id,
          pick(['{}', '{"assistant_id": "y"}', '{"graph_id": "a", "other": 1}'], Math.floor(n / 3)),
        ]);
        if (n % 4 === 0) {
          await query('DELETE FROM threads WHERE thread_id = $1', [id]);
        }
      }
    };

    it('that are exact after any change of threads, even during compaction', async () => {
      let isChanging = true;
      const changes = Promise.all([1, 2, 3, 4].map(change)).finally(() => (isChanging = false));
      // Compacted far more often than by the timer, and concurrently.
      while (isChanging) {
        await Promise.all([compactNow(), compactNow()]);
      }
      await changes;
      await expectTruth();
      await compactNow();
      await expectTruth();
    });

    it('that are zero when no thread is left', async () => {
      await change(1);
      await query('DELETE FROM threads');
      await expectTruth();
      await compactNow();
      expect(await query('SELECT FROM thread_counts')).toEqual([]);
    });

    it('whose recorded changes do not accumulate', async () => {
      await query(`INSERT INTO threads (thread_id) SELECT gen_random_uuid() FROM generate_series(1, 1500)`);
      await counts.compact();
      expect(await query('SELECT status, threads FROM thread_counts')).toEqual([{ status: 'idle', threads: '1500' }]);
    });

    it('that exclude uncommitted changes', async () => {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.query('INSERT INTO threads (thread_id) VALUES ($1)', [randomUUID()]);
      expect(await counts.total({})).toBe(0);
      await runner.rollbackTransaction();
      await runner.release();
      expect(await counts.total({})).toBe(0);
    });

    /** {@link ThreadCounts.compact} for any number of changes. */
    const compactNow = async (): Promise<void> => {
      await query(
        `INSERT INTO thread_counts SELECT 'idle', '"filler"', NULL, sign FROM generate_series(1, 1200), unnest(ARRAY[1, -1]) sign`,
      );
      await counts.compact();
    };
  });

  describe('uses an index', () => {
    beforeAll(async () => {
      await query(
        `INSERT INTO threads (thread_id, status, metadata, values, created_at, updated_at, state_updated_at)
         SELECT gen_random_uuid(), CASE n % 50 WHEN 0 THEN 'error' ELSE 'idle' END,
                jsonb_build_object('graph_id', 'g' || n % 3, 'user', 'u' || n % 1000),
                jsonb_build_object('stage', 's' || n % 1000, 'messages', repeat('x', 2000)),
                now() - n * interval '1 second', now() - n % 997 * interval '1 second',
                CASE WHEN n % 2 = 0 THEN now() - n % 991 * interval '1 second' END
         FROM generate_series(1, 20000) n`,
      );
      await query('VACUUM ANALYZE threads');
      await query('CREATE TABLE kept AS SELECT * FROM threads');
    });
    beforeEach(async () => {
      const columns = 'thread_id, status, metadata, values, created_at, updated_at, state_updated_at';
      await query(`INSERT INTO threads (${columns}) SELECT ${columns} FROM kept`);
      await query('VACUUM ANALYZE threads');
    });
    afterAll(() => query('DROP TABLE kept'));

    /** The query plan of a search. */
    const planOf = async (given: Partial<ThreadSearchRequest>): Promise<string> => {
      const sent: [string, unknown[]][] = [];
      const recording = {
        query: (sql: string, values: unknown[]) => (sent.push([sql, values]), Promise.resolve({ rows: [] })),
      };
      const none = { total: () => Promise.resolve(0) };
      await new ThreadSearchService(recording as never, none as never).search(request({ limit: 10, ...given }));
      const [[sql, values]] = sent;
      const plan = await query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
      return plan.map((line) => line['QUERY PLAN']).join('\n');
    };

    const SORTS = ['thread_id', 'status', 'created_at', 'updated_at', 'state_updated_at'] as const;
    it('in index order, for every sort in both directions', async () => {
      for (const sort_by of SORTS) {
        for (const sort_order of ['asc', 'desc'] as const) {
          const plan = await planOf({ sort_by, sort_order, select: ['thread_id', 'metadata'] });
          expect(plan).toMatch(/Index (Only )?Scan/);
          expect(plan).not.toMatch(/Sort|Seq Scan/);
        }
      }
    });

    it.each<[string, Partial<ThreadSearchRequest>, string]>([
      ['metadata', { metadata: { user: 'u7' } }, 'threads_metadata'],
      ['metadata that many threads have, in index order', { metadata: { graph_id: 'g1' } }, 'threads_updated_at'],
      ['status', { status: 'error' }, 'threads_status'],
      ['values', { values: { stage: 's7' } }, 'threads_searchable_values'],
      ['ids', { ids: [randomUUID(), randomUUID()] }, 'threads_pkey'],
    ])('for %s', async (_, filter, index) => {
      const plan = await planOf(filter);
      expect(plan).toContain(index);
      expect(plan).not.toContain('Seq Scan');
    });

    it('and reads no thread row for totals that are counted', async () => {
      const sent: string[] = [];
      const recording = { query: (sql: string) => (sent.push(sql), Promise.resolve({ rows: [{ total: '0' }] })) };
      await new ThreadCounts(recording as never).total({ status: 'idle', metadata: { graph_id: 'g1' } });
      expect(sent.join()).not.toMatch(/threads thread/);
    });
  });

  describe('with large states', () => {
    const SIZE = 3_000_000;
    /** An incompressible string. */
    const insertLarge = (n: number): Promise<unknown> =>
      query(
        `INSERT INTO threads (thread_id, updated_at, values)
         SELECT $1, now() + $2 * interval '1 second', jsonb_build_object('n', $2::int, 'data', string_agg(md5(random()::text), ''))
         FROM generate_series(1, $3)`,
        [randomUUID(), n, SIZE / 32],
      );
    const written = async (value: unknown): Promise<{ values: { n: number; data: string } | null }[]> => {
      let text = '';
      for await (const chunk of jsonChunks(value)) {
        text += chunk;
      }
      return JSON.parse(text) as never;
    };

    it('reads them in portions while they are being sent', async () => {
      for (let n = 0; n < 6; n++) {
        await insertLarge(n);
      }
      const reads: number[] = [];
      const counting = {
        query: async (sql: string, values: unknown[]) => {
          const rows = await query(sql, values);
          reads.push(JSON.stringify(rows).length);
          return { rows };
        },
      };
      const { rows, total } = await new ThreadSearchService(counting as never, counts).search(request({ limit: 5 }));
      expect(total).toBe(6);
      expect(Math.max(...reads)).toBeLessThan(2 * SIZE);
      const sent = await written(rows);
      expect(sent.map(({ values }) => values?.n)).toEqual([5, 4, 3, 2, 1]);
      expect(sent.every(({ values }) => values?.data.length === SIZE)).toBe(true);
      expect(Math.max(...reads)).toBeLessThan(2 * SIZE);
      expect(reads.length).toBeGreaterThan(3);
    });

    it('returns null for a thread that was deleted meanwhile', async () => {
      await insertLarge(1);
      await insertLarge(2);
      const { rows } = await searches.search(request({}));
      await query('DELETE FROM threads');
      expect((await written(rows)).map(({ values }) => values?.n ?? null)).toEqual([2, null]);
    });

    it('does not read them when they are not selected', async () => {
      await insertLarge(1);
      const { rows } = await searches.search(request({ select: ['thread_id', 'status'] }));
      expect(rows).toEqual([{ thread_id: expect.any(String), status: 'idle' }]);
    });

    it('does not parse the states that it passes on', async () => {
      await insert({ exact: 1 });
      const { rows } = await searches.search(request({}));
      expect(rows[0].values).toBeInstanceOf(JsonText);
    });
  });
});

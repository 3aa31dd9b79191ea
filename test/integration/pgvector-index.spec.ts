import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Sql } from '../../src/database/sql.js';
import { ItemStore } from '../../src/store/item-store.js';
import type { SemanticIndex } from '../../src/store/semantic-index.js';
import { PgvectorIndex } from '../../src/store/vectors/pgvector-index.js';
import {
  hasPgvector,
  type PgvectorDatabase,
  type PgvectorServer,
  startPgvector,
  WITHOUT_PGVECTOR,
} from '../support/pgvector.js';

const DIMS = 32;
const ITEMS = 10_000;
const TOPICS = 200;
const SPACE = 'test/32';

/** Numbers around 0, always the same. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  const uniform = (): number => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
  return () => uniform() + uniform() + uniform() - 1.5;
}

const toUnit = (numbers: number[]): Float32Array => {
  const length = Math.hypot(...numbers);
  return Float32Array.from(numbers, (number) => number / length);
};

const random = randomNumbers(42);
const topics = Array.from({ length: TOPICS }, () => Array.from({ length: DIMS }, random));
/** Texts are about something: near to others on the same topic. */
const vectorNear = (topic: number): Float32Array => toUnit(topics[topic].map((number) => number + random() * 0.5));
const vectors = Array.from({ length: ITEMS }, (_, n) => vectorNear(n % TOPICS));

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, number, n) => sum + number * b[n], 0);

/** The keys that comparing all of them gives. */
const nearest = (query: Float32Array, count: number, among = (_n: number): boolean => true): string[] =>
  vectors
    .map((vector, n) => [dot(query, vector), n] as const)
    .filter(([, n]) => among(n))
    .sort(([a], [b]) => b - a)
    .slice(0, count)
    .map(([, n]) => `k${n}`);

if (!hasPgvector) {
  it.skip(`the index of pgvector: ${WITHOUT_PGVECTOR}`, () => undefined);
} else {
  let postgres: PgvectorServer;
  let database: PgvectorDatabase;
  let sql: Sql;

  beforeAll(async () => {
    postgres = await startPgvector();
    database = await postgres.createDatabase();
    sql = new Sql(database.pool, true);
  });
  afterAll(async () => {
    await database?.drop();
    await postgres?.stop();
  });

  let query: Float32Array;
  const storeOf = (index: PgvectorIndex): ItemStore => {
    const semantic = {
      vectors: index,
      embedQueries: () => Promise.resolve([query]),
      embedItems: () => Promise.resolve([]),
    };
    return new ItemStore(
      sql,
      semantic as unknown as SemanticIndex,
      { store: { ttl: { refresh_on_read: true } } } as never,
    );
  };

  const load = (): Promise<unknown> =>
    database.pool.query(
      `WITH items AS (
         INSERT INTO store_items (namespace, key, value, created_at, updated_at)
         SELECT 'n' || n % 50 || '.', 'k' || n, jsonb_build_object('n', n, 'kind', n % 2, 'tenth', n % 10), now(), now()
         FROM generate_series(0, $1::int - 1) n RETURNING item_id, version, (value ->> 'n')::int AS n
       )
       INSERT INTO store_vectors (item_id, version, space, embedding_vector)
       SELECT item_id, version, $2, vector::vector FROM items
       JOIN jsonb_array_elements_text($3::jsonb) WITH ORDINALITY AS given(vector, place) ON place = n + 1`,
      [ITEMS, SPACE, JSON.stringify(vectors.map((vector) => `[${vector.join(',')}]`))],
    );

  const isIndexed = async (): Promise<boolean> => {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_index WHERE indrelid = 'store_vectors'::regclass AND pg_get_indexdef(indexrelid) LIKE '%hnsw%' AND indisvalid`,
    );
    return rowCount === 1;
  };

  const usesOfIndex = async (): Promise<number> => {
    const client = await database.pool.connect();
    await client.query('SELECT pg_stat_force_next_flush()');
    client.release();
    const { rows } = await database.pool.query<{ uses: string }>(
      `SELECT coalesce(sum(idx_scan), 0) AS uses FROM pg_stat_user_indexes WHERE indexrelname ~ '^store_vectors_[0-9a-f]{16}$'`,
    );
    return Number(rows[0].uses);
  };

  describe.each([
    ['comparing all vectors', undefined],
    ['with an index', 0],
  ])('pgvector, %s', (_, mostCompared) => {
    let store: ItemStore;

    beforeAll(async () => {
      const index = new PgvectorIndex(sql, DIMS, SPACE, mostCompared);
      await index.start();
      if (mostCompared === undefined) {
        await load();
      }
      await index.maintain();
      await database.pool.query('ANALYZE store_items, store_vectors');
      store = storeOf(index);
    }, 120_000);

    const search = async (operation: object): Promise<string[]> => {
      const [found] = await store.execute([{ namespacePrefix: [], ...operation, query: 'asked' }]);
      return (found as { key: string }[]).map(({ key }) => key);
    };

    it('has the index only when the table is beyond comparing', async () => {
      expect(await isIndexed()).toBe(mostCompared === 0);
    });

    it('finds for 95 of 100 queries what comparing all of them finds', async () => {
      const before = await usesOfIndex();
      let right = 0;
      for (let n = 0; n < 100; n += 1) {
        query = vectorNear(n);
        const expected = new Set(nearest(query, 10));
        const found = await search({});
        right += found.length === 10 && found.every((key) => expected.has(key)) ? 1 : 0;
      }
      expect(right).toBeGreaterThanOrEqual(95);
      expect((await usesOfIndex()) - before > 0).toBe(mostCompared === 0);
    });

    it.each<[string, object, (n: number) => boolean, number]>([
      ['half of the items', { filter: { kind: 1 } }, (n) => n % 2 === 1, 9],
      ['a tenth of them', { filter: { tenth: { $gt: 8 } } }, (n) => n % 10 === 9, 8],
      ['a namespace', { namespacePrefix: ['n7'] }, (n) => n % 50 === 7, 10],
      ['twelve items', { filter: { n: { $lt: 12 } } }, (n) => n < 12, 10],
    ])('returns as many as requested out of %s', async (_name, operation, among, least) => {
      for (let n = 0; n < 10; n += 1) {
        query = vectorNear(n);
        const found = await search({ ...operation, limit: 10 });
        expect(found).toHaveLength(10);
        const expected = nearest(query, 10, among);
        expect(found.filter((key) => expected.includes(key)).length).toBeGreaterThanOrEqual(least);
      }
    });

    it('continues until enough match, even if they are the farthest of all', async () => {
      query = vectorNear(0);
      const farthest = nearest(query, ITEMS)
        .slice(-2_000)
        .map((key) => Number(key.slice(1)));
      const found = await search({ filter: { n: { $in: farthest } }, limit: 20, offset: 1_985 });
      expect(found).toHaveLength(15);
      expect(await search({ filter: { n: { $in: farthest } }, limit: 10 })).toHaveLength(10);
    });

    it('pages through all of them', async () => {
      query = vectorNear(3);
      const pages = await Promise.all([0, 700, 1_400].map((offset) => search({ limit: 700, offset })));
      expect(new Set(pages.flat()).size).toBe(2_100);
    });
  });

  it('vectors that were put before the database had pgvector are taken over', async () => {
    await database.pool.query(
      `WITH item AS (INSERT INTO store_items (namespace, key, value, created_at, updated_at)
         VALUES ('old.', 'k', '{}', now(), now()) RETURNING item_id, version)
       INSERT INTO store_vectors (item_id, version, space, embedding) SELECT item_id, version, 'test/2', $1 FROM item`,
      [Buffer.from(Float32Array.of(0.6, 0.8).buffer)],
    );
    const index = new PgvectorIndex(sql, 2, 'test/2');
    await index.start();
    query = Float32Array.of(1, 0);
    const [found] = await storeOf(index).execute([{ namespacePrefix: ['old'], query: 'asked' }]);
    expect(found).toMatchObject([{ key: 'k', score: expect.closeTo(0.6, 5) }]);
  });

  it('an index that was left half-built is made again', async () => {
    await database.pool.query(
      `UPDATE pg_index SET indisvalid = false WHERE indrelid = 'store_vectors'::regclass AND pg_get_indexdef(indexrelid) LIKE '%hnsw%'`,
    );
    expect(await isIndexed()).toBe(false);
    await new PgvectorIndex(sql, DIMS, SPACE, 0).maintain();
    expect(await isIndexed()).toBe(true);
  });
}

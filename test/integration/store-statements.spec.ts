import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Sql } from '../../src/database/sql.js';
import { ItemStore } from '../../src/store/item-store.js';
import type { Operation, StoredItem } from '../../src/store/operations.js';
import type { SemanticIndex } from '../../src/store/semantic-index.js';
import { StoreSweepService } from '../../src/store/store-sweep.service.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const SETTINGS = { store: { ttl: { refresh_on_read: true } } } as never;
const NO_INDEX = {} as SemanticIndex;

let database: TestDatabase;
let store: ItemStore;

beforeAll(async () => {
  database = await createDatabase();
  store = new ItemStore(new Sql(database.pool, true), NO_INDEX, SETTINGS);
});
afterAll(() => database?.drop());

describe('statements of the store', () => {
  const sent: { text: string; values?: unknown[]; isPrepared?: boolean }[] = [];
  let listening: ItemStore;

  beforeAll(async () => {
    const sql = new Sql(database.pool, true);
    const query = sql.query.bind(sql);
    sql.query = (text, values, options) => {
      sent.push({ text, values, ...options });
      return query(text, values, options);
    };
    listening = new ItemStore(sql, NO_INDEX, SETTINGS);
    await database.pool.query(
      `INSERT INTO store_items (namespace, key, value, created_at, updated_at)
       SELECT 'plans.u' || n % 1000 || '.', 'k' || n, jsonb_build_object('kind', n % 2, 'owner', 'o' || n % 5000), now(), now()
       FROM generate_series(1, 100000) n`,
    );
    await database.pool.query('VACUUM ANALYZE store_items');
  });

  const run = async (...operations: Operation[]): Promise<unknown[]> => {
    sent.length = 0;
    return listening.execute(operations);
  };

  /** Indexes that the last statement went through, and how many rows it has read. */
  const planOf = async (): Promise<{ indexes: string[]; reads: string[]; rows: number }> => {
    const { text, values } = sent[0];
    const { rows } = await database.pool.query<{ 'QUERY PLAN': unknown }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      values,
    );
    const json = JSON.stringify(rows[0]['QUERY PLAN']);
    const nodes: Record<string, string | number | undefined>[] = [];
    JSON.parse(json, (_key, node: (typeof nodes)[number]) => {
      if (node?.['Node Type']) {
        nodes.push(node);
      }
      return node;
    });
    const executed = nodes.filter((node) => Number(node['Actual Loops']) > 0);
    return {
      indexes: [...new Set(executed.flatMap((node) => (node['Index Name'] ? [String(node['Index Name'])] : [])))],
      reads: executed
        .filter((node) => node['Relation Name'] === 'store_items')
        .map((node) => String(node['Node Type'])),
      rows: Math.max(...executed.map((node) => Number(node['Actual Rows']) * Number(node['Actual Loops']))),
    };
  };

  it('get by the key of the table, one row for each', async () => {
    await run({ namespace: ['plans', 'u1'], key: 'k1' }, { namespace: ['plans', 'u2'], key: 'k2' });
    const { indexes, reads, rows } = await planOf();
    expect(indexes).toContain('store_items_pkey');
    expect(reads).not.toContain('Seq Scan');
    expect(rows).toBe(2);
  });

  it.each([[['plans', 'u7']], [['plans']], [[]]])(
    'search below %j reads no more than the page',
    async (namespacePrefix) => {
      const [found] = await run({ namespacePrefix, limit: 10, offset: 20 });
      expect(found).toHaveLength(10);
      const { indexes, reads, rows } = await planOf();
      expect(indexes).toContain('store_items_order');
      expect(reads).not.toContain('Seq Scan');
      // A namespace of its own is read as a whole, when it is that small.
      expect(rows).toBeLessThanOrEqual(100);
    },
  );

  it('find rare values through the value index', async () => {
    const [found] = await run({ namespacePrefix: [], filter: { owner: 'o77' }, limit: 100 });
    expect(found).toHaveLength(20);
    const { indexes, reads, rows } = await planOf();
    expect(indexes).toContain('store_items_value');
    expect(reads).not.toContain('Seq Scan');
    expect(rows).toBeLessThanOrEqual(1_000);
  });

  it('do not use the value index for frequent values', async () => {
    const [found] = await run({ namespacePrefix: ['plans'], filter: { kind: 1 } });
    expect(found).toHaveLength(10);
    const { indexes, rows } = await planOf();
    expect(indexes).not.toContain('store_items_value');
    expect(rows).toBeLessThanOrEqual(1_000);
  });

  it('walk from namespace to namespace', async () => {
    const [cut] = await run({ maxDepth: 1 });
    expect(cut).toEqual([['plans']]);
    expect((await planOf()).rows).toBeLessThan(10);
    const [all] = await run({ limit: 2_000 });
    expect(all).toHaveLength(1_000);
    expect((await planOf()).rows).toBeLessThanOrEqual(2_002);
  });

  it('are one per batch, whatever it contains', async () => {
    await run(
      { namespace: ['batch'], key: 'a', value: { a: 1 } },
      { namespace: ['batch'], key: 'b', value: null },
      { namespace: ['batch'], key: 'a' },
      { namespacePrefix: ['batch'], filter: { a: 1 } },
      { namespacePrefix: ['batch'], filter: { a: { $gt: 1 } } },
      { matchConditions: [{ matchType: 'prefix', path: ['batch'] }] },
    );
    expect(sent).toHaveLength(1);
    expect(sent[0].isPrepared).toBe(false);
  });

  it('are prepared when their SQL is always the same', async () => {
    const texts = new Set<string>();
    for (let n = 1; n < 4; n += 1) {
      const puts = Array.from({ length: n }, (_, key) => ({ namespace: ['p'], key: String(key), value: { n } }));
      await run(...puts);
      expect(sent[0].isPrepared).toBe(true);
      texts.add(sent[0].text);
    }
    expect(texts.size).toBe(1);
    await run({ namespacePrefix: ['p'] });
    expect(sent[0].isPrepared).toBe(true);
    await run({ namespacePrefix: ['p'], filter: { n: 1 } });
    expect(sent[0].isPrepared).toBe(false);
  });
});

describe('the store under races', () => {
  it('a put is later than the previous one, whatever the clock shows', async () => {
    await store.execute([{ namespace: ['clock'], key: 'k', value: {} }]);
    await database.pool.query(
      `UPDATE store_items SET updated_at = now() + interval '1 hour' WHERE namespace = 'clock.'`,
    );
    const times: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      await store.execute([{ namespace: ['clock'], key: 'k', value: { n } }]);
      const [item] = (await store.execute([{ namespace: ['clock'], key: 'k' }])) as [StoredItem];
      times.push(item.updatedAt.getTime());
    }
    expect(times[0]).toBeGreaterThan(Date.now() + 3_500_000);
    expect(times.toSorted((a, b) => a - b)).toEqual([...new Set(times)]);
  });

  it('concurrent puts of one item leave one of their values', async () => {
    const value = (n: number) => ({ namespace: ['race'], key: 'k', value: { n } });
    await store.execute([value(-1)]);
    await Promise.all(Array.from({ length: 40 }, (_, n) => store.execute([value(n)])));
    const [item] = (await store.execute([{ namespace: ['race'], key: 'k' }])) as [StoredItem];
    expect(item.value.n).toBeGreaterThanOrEqual(0);
    const { rows } = await database.pool.query(`SELECT count(*)::int FROM store_items WHERE namespace = 'race.'`);
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('batches that put the same items in different orders do not deadlock', async () => {
    const batch = (n: number): Operation[] => {
      const keys = Array.from({ length: 30 }, (_, k) => String(k));
      return (n % 2 ? keys : keys.toReversed()).map((key) => ({ namespace: ['circle'], key, value: { n } }));
    };
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.execute(batch(n))));
    const [items] = (await store.execute([{ namespacePrefix: ['circle'], limit: 100 }])) as [StoredItem[]];
    expect(new Set(items.map(({ value }) => value.n)).size).toBe(1);
  });

  it('a read that refreshes does not wait for a concurrent write', async () => {
    await store.execute([{ namespace: ['locked'], key: 'k', value: { n: 1 }, ttl: 10 }]);
    await database.pool.query(
      `UPDATE store_items SET expires_at = expires_at - interval '5 min' WHERE namespace = 'locked.'`,
    );
    const writer = await database.newPool().connect();
    await writer.query('BEGIN');
    await writer.query(`UPDATE store_items SET value = '{"n": 2}' WHERE namespace = 'locked.'`);
    const [item] = (await store.execute([{ namespace: ['locked'], key: 'k' }])) as [StoredItem];
    expect(item.value).toEqual({ n: 1 });
    await writer.query('ROLLBACK');
    writer.release();
  });

  it('frequent reads of an item do not write it each time', async () => {
    await store.execute([{ namespace: ['hot'], key: 'k', value: {}, ttl: 10 }]);
    const version = async (): Promise<unknown> =>
      (await database.pool.query(`SELECT xmin::text FROM store_items WHERE namespace = 'hot.'`)).rows;
    const before = await version();
    await Promise.all(Array.from({ length: 10 }, () => store.execute([{ namespace: ['hot'], key: 'k' }])));
    expect(await version()).toEqual(before);
  });

  it('several processes sweep concurrently, each item once, and keep items that were put again', async () => {
    const puts = Array.from({ length: 300 }, (_, n) => ({ namespace: ['sweep'], key: `k${n}`, value: {}, ttl: 10 }));
    await store.execute(puts);
    await database.pool.query(`UPDATE store_items SET expires_at = now() WHERE namespace = 'sweep.'`);
    await store.execute([puts[0]]);
    const sweeper = () => new StoreSweepService(new Sql(database.newPool(), true), NO_INDEX, SETTINGS);
    const counts = await Promise.all([1, 2, 3, 4].map(() => sweeper().sweepOnce(100)));
    counts.push(await sweeper().sweepOnce(100));
    expect(counts.reduce((sum, count) => sum + count)).toBe(299);
    const [left] = (await store.execute([{ namespacePrefix: ['sweep'] }])) as [StoredItem[]];
    expect(left.map(({ key }) => key)).toEqual(['k0']);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ItemStore } from '../../src/store/item-store.js';
import type { SemanticIndex } from '../../src/store/semantic-index.js';
import type { MemoryIndex } from '../../src/store/vectors/memory-index.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Sql } from '../../src/database/sql.js';

/** As they are built: the thread that compares vectors is a file of its own. */
const built = (file: string): Promise<never> => import(`../../dist/src/store/${file}`) as Promise<never>;

const DIMS = 2;
const SPACE = 'test/2';

interface Replica {
  items: ItemStore;
  index: MemoryIndex;
  warnings: string[];
}

let database: TestDatabase;
const replicas: Replica[] = [];

/** One more process: its own connections, its own memory. The string `1,0` is the vector of these numbers. */
async function newReplica(maxKept?: number): Promise<Replica> {
  const { ItemStore: Items } = (await built('item-store.js')) as { ItemStore: typeof ItemStore };
  const { MemoryIndex: Index } = (await built('vectors/memory-index.js')) as { MemoryIndex: typeof MemoryIndex };
  const sql = new Sql(database.newPool(), true);
  const index = new Index(sql, DIMS, SPACE, maxKept);
  const warnings: string[] = [];
  Object.assign(index, { logger: { warn: (text: string) => warnings.push(text) } });
  const toVector = (text: string): Float32Array => Float32Array.from(text.split(',').map(Number));
  const semantic = {
    vectors: index,
    embedQueries: (queries: string[]) => Promise.resolve(queries.map(toVector)),
    embedItems: (puts: { namespace: string[]; key: string; value: { at?: string } }[]) =>
      Promise.resolve(
        puts.flatMap(({ namespace, key, value: { at } }) =>
          at === undefined
            ? []
            : [{ namespace: namespace.map((label) => `${label}.`).join(''), key, vector: toVector(at) }],
        ),
      ),
  } as unknown as SemanticIndex;
  const items = new Items(sql, semantic, { store: { ttl: { refresh_on_read: true } } } as never);
  const replica = { items, index, warnings };
  replicas.push(replica);
  return replica;
}

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await Promise.all(replicas.map(({ index }) => index.stop()));
  await database?.drop();
});

const put = (items: ItemStore, root: string, key: string, at: string, rest: object = {}): Promise<unknown> =>
  items.execute([{ namespace: [root], key, value: { at, ...rest } }]);

const find = async ({ items }: Replica, root: string, options: object = {}): Promise<string[]> => {
  const [found] = await items.execute([{ namespacePrefix: [root], query: '1,0', ...options }]);
  return (found as { key: string }[]).map(({ key }) => key);
};

describe('vectors in the memory of several processes', () => {
  let one: Replica;
  let two: Replica;

  beforeAll(async () => {
    [one, two] = await Promise.all([newReplica(), newReplica()]);
  });

  it('include all puts of every process', async () => {
    for (let n = 0; n < 20; n += 1) {
      await put((n % 2 ? one : two).items, 'turns', `k${n}`, `1,${n}`);
      expect(await find(n % 2 ? two : one, 'turns', { limit: 100 })).toHaveLength(n + 1);
    }
    await put(one.items, 'turns', 'k0', '-1,0');
    expect((await find(two, 'turns', { limit: 100 })).at(-1)).toBe('k0');
    await two.items.execute([{ namespace: ['turns'], key: 'k1', value: null }]);
    expect(await find(one, 'turns', { limit: 1 })).toEqual(['k2']);
  });

  it('include those of a transaction that began before others and committed after them', async () => {
    const slow = await database.newPool().connect();
    await slow.query('BEGIN');
    await slow.query(
      `INSERT INTO store_items (namespace, key, value, created_at, updated_at) VALUES ('late.', 'slow', '{}', now(), now())`,
    );
    await slow.query(
      `INSERT INTO store_vectors (item_id, version, space, embedding)
       SELECT item_id, version, $1, '\\x0000803f00000000' FROM store_items WHERE key = 'slow'`,
      [SPACE],
    );
    await put(one.items, 'late', 'fast', '0.5,0.5');
    expect(await find(one, 'late')).toEqual(['fast']);
    expect(await find(two, 'late')).toEqual(['fast']);
    await put(one.items, 'late', 'faster', '0.1,0.9');
    expect(await find(one, 'late')).toEqual(['fast', 'faster']);
    await slow.query('COMMIT');
    slow.release();
    expect(await find(one, 'late')).toEqual(['slow', 'fast', 'faster']);
    expect(await find(two, 'late')).toEqual(['slow', 'fast', 'faster']);
  });

  it('of deleted items do not displace others', async () => {
    for (let n = 0; n < 100; n += 1) {
      await put(one.items, 'crowd', `gone ${n}`, '1,0', { gone: true });
    }
    for (let n = 0; n < 5; n += 1) {
      await put(one.items, 'crowd', `here ${n}`, '0,1');
    }
    expect(await find(one, 'crowd')).not.toContain('here 0');
    await database.pool.query(`DELETE FROM store_items WHERE namespace = 'crowd.' AND key < 'gone 50'`);
    await database.pool.query(
      `UPDATE store_items SET expires_at = now(), ttl_minutes = 1 WHERE namespace = 'crowd.' AND key LIKE 'gone%'`,
    );
    const here = ['here 0', 'here 1', 'here 2', 'here 3', 'here 4'];
    expect(await find(one, 'crowd')).toEqual(here);
    expect(await find(two, 'crowd')).toEqual(here);
  });

  it('find rare matches among many items', async () => {
    for (let n = 0; n < 150; n += 1) {
      await put(one.items, 'rare', `k${n}`, n % 15 === 0 ? '-1,0' : '1,0', { rare: n % 15 === 0 });
    }
    expect(await find(two, 'rare', { filter: { rare: true }, limit: 8 })).toHaveLength(8);
    expect(await find(two, 'rare', { limit: 1_000 })).toHaveLength(150);
    expect(await find(two, 'rare', { limit: 5, offset: 148 })).toHaveLength(2);
  });

  it('serve many searches and puts at the same time', async () => {
    const work = Array.from({ length: 50 }, async (_, n) => {
      const replica = n % 2 ? one : two;
      await put(replica.items, 'busy', `k${n}`, `1,${n}`);
      expect(await find(replica, 'busy', { limit: 100 })).toContain(`k${n}`);
    });
    await Promise.all(work);
    expect(await find(one, 'busy', { limit: 100 })).toHaveLength(50);
  });

  it('beyond the maximum are read for each search, and the log explains what to do', async () => {
    const small = await newReplica(60);
    const expected = await find(one, 'rare', { limit: 1_000 });
    expect((await find(small, 'rare', { limit: 1_000 })).toSorted()).toEqual(expected.toSorted());
    await put(small.items, 'rare', 'nearest', '1,0', { rare: true });
    expect(await find(small, 'rare', { filter: { rare: true }, limit: 2 })).toContain('nearest');
    expect(small.warnings.join()).toMatch(/more than 60 vectors.*Install pgvector/);
    expect(small.warnings).toHaveLength(1);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import { type Client, connect, SDKS } from '../support/sdk.js';
import type { TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

/** Never looks for expired items while these tests run, unless it says otherwise. */
const RARELY = { sweep_interval_minutes: 1_000 };
const SETTINGS = [
  RARELY,
  { ...RARELY, default_ttl: 60, refresh_on_read: false },
  { sweep_interval_minutes: 0, default_ttl: 60 },
];

let database: TestDatabase;
let sweptDatabase: TestDatabase;
let projects: Project[];
let servers: TestServer[];

beforeAll(async () => {
  [database, sweptDatabase] = await Promise.all([createDatabase(), createDatabase()]);
  projects = await Promise.all(SETTINGS.map(() => createProject({ graphs: ['memory.ts'] })));
  servers = await Promise.all(
    SETTINGS.map(async (ttl, index) => {
      await projects[index].write('langgraph.json', { graphs: { memory: './memory.ts:graph' }, store: { ttl } });
      return projects[index].start({ database: index < 2 ? database : sweptDatabase });
    }),
  );
});
afterAll(async () => {
  await Promise.all((servers ?? []).map((one) => one.stop()));
  await Promise.all((projects ?? []).map((project) => project.remove()));
  await Promise.all([database?.drop(), sweptDatabase?.drop()]);
});

interface Row {
  ttl_minutes: number | null;
  left: number | null;
}

describe.each(SDKS)('items that expire, with SDK %s', (version, Client) => {
  /** Without a default; with one, and reads that do not refresh; one that sweeps. */
  let client: Client;
  let withDefault: Client;
  let sweeping: Client;
  let namespace: string[];
  let count = 0;

  beforeAll(() => {
    [client, withDefault, sweeping] = servers.map(({ url }) => connect(Client, url));
  });

  const newNamespace = (): string[] => (namespace = ['ttl', version.replaceAll('.', '-'), String((count += 1))]);

  /** As if so much time had passed. */
  const letPass = async (minutes: number, { pool } = database): Promise<void> => {
    await pool.query(
      `UPDATE store_items SET expires_at = expires_at - $2 * interval '1 minute' WHERE namespace LIKE $1`,
      [`${namespace.join('.')}.%`, minutes],
    );
  };

  /** Its ttl and the minutes that are left of it. */
  const rowOf = async (key: string, { pool } = database): Promise<Row | undefined> => {
    const { rows } = await pool.query<Row>(
      `SELECT ttl_minutes, round(extract(epoch FROM expires_at - now()) / 60)::int AS left
       FROM store_items WHERE namespace = $1 AND key = $2`,
      [`${namespace.join('.')}.`, key],
    );
    return rows[0];
  };

  const changedAt = async (key: string): Promise<Date> => {
    const { rows } = await database.pool.query<{ updated_at: Date }>(
      'SELECT updated_at FROM store_items WHERE namespace = $1 AND key = $2',
      [`${namespace.join('.')}.`, key],
    );
    return rows[0].updated_at;
  };

  it('are hidden from all readers once expired, before the sweep deletes them', async () => {
    newNamespace();
    await client.store.putItem(namespace, 'short', { a: 1 }, { ttl: 10 });
    await client.store.putItem(namespace, 'long', { a: 1 }, { ttl: 20 });
    await client.store.putItem([...namespace, 'below'], 'short', { a: 1 }, { ttl: 10 });
    await letPass(11);
    expect(await client.store.getItem(namespace, 'short')).toBeNull();
    for (const filter of [undefined, { a: 1 }, { a: { $gt: 0 } }]) {
      const { items } = await client.store.searchItems(namespace, { filter });
      expect(items.map(({ key }) => key)).toEqual(['long']);
    }
    expect((await client.store.listNamespaces({ prefix: namespace })).namespaces).toEqual([namespace]);
    expect(await rowOf('short')).toBeDefined();
  });

  it('are new items when they are put again', async () => {
    newNamespace();
    await client.store.putItem(namespace, 'k', { n: 1 }, { ttl: 10 });
    const before = (await client.store.getItem(namespace, 'k'))!;
    await letPass(11);
    await client.store.putItem(namespace, 'k', { n: 2 });
    const after = (await client.store.getItem(namespace, 'k'))!;
    expect(after.value).toEqual({ n: 2 });
    expect(Date.parse(after.createdAt)).toBeGreaterThan(Date.parse(before.createdAt));
    expect(after.updatedAt).toBe(after.createdAt);
    expect(await rowOf('k')).toEqual({ ttl_minutes: null, left: null });
  });

  it('have the ttl of their last put', async () => {
    newNamespace();
    await client.store.putItem(namespace, 'k', {}, { ttl: 10 });
    await client.store.putItem(namespace, 'k', {}, { ttl: 30 });
    expect(await rowOf('k')).toEqual({ ttl_minutes: 30, left: 30 });
    await client.store.putItem(namespace, 'k', {}, { ttl: null });
    expect(await rowOf('k')).toEqual({ ttl_minutes: null, left: null });
  });

  it('have the configured ttl by default, and do not expire with null', async () => {
    newNamespace();
    await withDefault.store.putItem(namespace, 'default', {});
    await withDefault.store.putItem(namespace, 'own', {}, { ttl: 5 });
    await withDefault.store.putItem(namespace, 'stays', {}, { ttl: null });
    expect(await rowOf('default')).toEqual({ ttl_minutes: 60, left: 60 });
    expect(await rowOf('own')).toEqual({ ttl_minutes: 5, left: 5 });
    expect(await rowOf('stays')).toEqual({ ttl_minutes: null, left: null });
  });

  it.each<[string, boolean | undefined, boolean]>([
    ['refreshing', undefined, true],
    ['refreshing', true, true],
    ['refreshing', false, false],
    ['keeping', undefined, false],
    ['keeping', true, true],
    ['keeping', false, false],
  ])('restart their ttl when they are read (%s, refresh_ttl %s: %s)', async (kind, refreshTtl, refreshed) => {
    const { store } = kind === 'keeping' ? withDefault : client;
    for (const read of [
      () => store.getItem(namespace, 'k', { refreshTtl }),
      () => store.searchItems(namespace, { refreshTtl }),
      () => store.searchItems(namespace, { refreshTtl, filter: { a: 1 }, limit: 1 }),
    ]) {
      newNamespace();
      await store.putItem(namespace, 'k', { a: 1 }, { ttl: 10 });
      await store.putItem(namespace, 'other', { a: 2 }, { ttl: 10 });
      await letPass(4);
      const before = await changedAt('k');
      expect(await read()).toBeTruthy();
      expect((await rowOf('k'))!.left).toBe(refreshed ? 10 : 6);
      expect(await changedAt('k')).toEqual(before);
    }
  });

  it('restart their ttl when graphs read them', async () => {
    newNamespace();
    await client.store.putItem(namespace, 'k', {}, { ttl: 10 });
    await letPass(4);
    const run = (call: unknown[]): Promise<unknown> => client.runs.wait(null, 'memory', { input: { calls: [[call]] } });
    await run(['get', namespace, 'k', { refreshTtl: false }]);
    expect((await rowOf('k'))!.left).toBe(6);
    await run(['get', namespace, 'k']);
    expect((await rowOf('k'))!.left).toBe(10);
    await run(['put', namespace, 'own', {}, false, { ttl: 7 }]);
    expect(await rowOf('own')).toEqual({ ttl_minutes: 7, left: 7 });
  });

  it('are deleted by the sweep, and no others', async () => {
    newNamespace();
    await Promise.all(['a', 'b', 'c'].map((key) => sweeping.store.putItem(namespace, key, {}, { ttl: 10 })));
    await sweeping.store.putItem(namespace, 'later', {}, { ttl: 20 });
    await sweeping.store.putItem(namespace, 'stays', {}, { ttl: null });
    await letPass(11, sweptDatabase);
    const left = async (): Promise<string[]> => {
      const { rows } = await sweptDatabase.pool.query<{ key: string }>(
        'SELECT key FROM store_items WHERE namespace = $1 ORDER BY key',
        [`${namespace.join('.')}.`],
      );
      return rows.map(({ key }) => key);
    };
    await askUntil(left, (keys) => keys.length <= 2);
    expect(await left()).toEqual(['later', 'stays']);
  });
});

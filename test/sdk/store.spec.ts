import { beforeAll, describe, expect, it } from '@jest/globals';
import { send, sendJson } from '../support/http.js';
import { type Client, connect, refusal, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

describe.each(SDKS)('the store, with SDK %s', (version, Client) => {
  let client: Client;
  /** A root of its own for each test. */
  let root: string;
  let count = 0;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const newRoot = (): string => (root = `test ${version.replaceAll('.', '-')} ${(count += 1)}`);

  const put = (path: string[], key: string, value: Record<string, unknown> = {}): Promise<void> =>
    client.store.putItem([root, ...path], key, value);

  const keysBelow = async (path: string[], options: object = {}): Promise<string[]> =>
    (await client.store.searchItems([root, ...path], options)).items.map(({ key }) => key);

  const namespaces = async (options: object = {}): Promise<string[]> => {
    const found = await client.store.listNamespaces({ prefix: [root], ...options });
    return found.namespaces.map((namespace) => namespace.slice(1).join('/'));
  };

  describe('puts and gets items', () => {
    it('unchanged, with the times of their first and last put', async () => {
      newRoot();
      const value = { text: 'ä "quoted" \\u0000 \u2028', list: [1, 2.5, null, { deep: [true] }], empty: {}, '': 0 };
      expect(await client.store.putItem([root, 'a'], 'k', value)).toBeUndefined();
      const item = (await client.store.getItem([root, 'a'], 'k'))!;
      expect(item).toMatchObject({ namespace: [root, 'a'], key: 'k', value });
      expect(item.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(item.updatedAt).toBe(item.createdAt);
      await client.store.putItem([root, 'a'], 'k', { other: 1 });
      await client.store.putItem([root, 'a'], 'k', { other: 2 });
      const again = (await client.store.getItem([root, 'a'], 'k'))!;
      expect(again).toMatchObject({ value: { other: 2 }, createdAt: item.createdAt });
      expect(Date.parse(again.updatedAt)).toBeGreaterThan(Date.parse(item.updatedAt));
    });

    it('whose key is any string, including an empty one', async () => {
      newRoot();
      for (const key of ['', 'a.b', 'a/b?c=d&e', ' ', '[1]', 'ключ', '🦜'.repeat(256)]) {
        await put([], key, { key });
        expect(await client.store.getItem([root], key)).toMatchObject({ key, value: { key } });
      }
    });

    it('whose labels are any strings without dots', async () => {
      newRoot();
      const path = [root, 'a:b', '%', ' x ', '*', 'user|1,2', '[', '語'];
      await client.store.putItem(path, 'k', { there: true });
      expect(await client.store.getItem(path, 'k')).toMatchObject({ namespace: path });
      expect(await client.store.searchItems(path)).toMatchObject({ items: [{ namespace: path }] });
    });

    it('and returns null for a missing item', async () => {
      newRoot();
      await put([], 'k');
      expect(await client.store.getItem([root], 'other')).toBeNull();
      expect(await client.store.getItem([root, 'k'], 'k')).toBeNull();
      expect(await client.store.getItem([], 'k')).toBeNull();
      expect(await client.store.getItem(['langgraph'], 'k')).toBeNull();
    });

    it('with the namespace as repeated parameters or as JSON', async () => {
      newRoot();
      await put(['a', 'b'], 'k');
      const name = encodeURIComponent(root);
      const json = encodeURIComponent(JSON.stringify([root, 'a', 'b']));
      for (const query of [`namespace=${name}&namespace=a&namespace=b`, `namespace=${name}.a.b`, `namespace=${json}`]) {
        const { status, json: item } = await send(`${server.url}/store/items?${query}&key=k`);
        expect([status, item]).toMatchObject([200, { namespace: [root, 'a', 'b'] }]);
      }
    });
  });

  it('deletes items, including missing ones', async () => {
    newRoot();
    await put(['a'], 'k');
    await put(['a'], 'stays');
    expect(await client.store.deleteItem([root, 'a'], 'k')).toBeUndefined();
    await client.store.deleteItem([root, 'a'], 'k');
    await client.store.deleteItem([], 'k');
    expect(await client.store.getItem([root, 'a'], 'k')).toBeNull();
    expect(await keysBelow(['a'])).toEqual(['stays']);
    await client.store.deleteItem([root, 'a'], 'stays');
    expect(await namespaces()).toEqual([]);
  });

  describe('refuses items that it cannot store unchanged, and keeps existing ones:', () => {
    const ITEM = { namespace: ['refused'], key: 'k', value: {} };

    it.each([
      [{ namespace: [] }, 'namespace'],
      [{ namespace: undefined }, 'namespace'],
      [{ namespace: 'refused' }, 'namespace'],
      [{ namespace: ['refused', ''] }, 'namespace'],
      [{ namespace: ['refused.a'] }, 'namespace'],
      [{ namespace: ['refused', 1] }, 'namespace'],
      [{ namespace: ['refused', 'a\0'] }, 'namespace'],
      [{ namespace: ['refused', '\ud800'] }, 'namespace'],
      [{ namespace: ['refused', 'a'.repeat(1025)] }, 'namespace'],
      [{ namespace: ['langgraph', 'a'] }, 'namespace'],
      [{ key: undefined }, 'key'],
      [{ key: 1 }, 'key'],
      [{ key: 'a\0' }, 'key'],
      [{ key: '\udc00a' }, 'key'],
      [{ key: 'a'.repeat(1025) }, 'key'],
      [{ value: undefined }, 'value'],
      [{ value: null }, 'value'],
      [{ value: 'text' }, 'value'],
      [{ value: [1] }, 'value'],
      [{ value: { a: 'b\0' } }, 'value'],
      [{ value: { 'a\0': 1 } }, 'value'],
      [{ value: { a: ['\ud83e'] } }, 'value'],
      [{ index: true }, 'index'],
      [{ index: [1] }, 'index'],
      [{ ttl: 0 }, 'ttl'],
      [{ ttl: -1 }, 'ttl'],
      [{ ttl: 'soon' }, 'ttl'],
      [{ ttl: 1e12 }, 'ttl'],
    ])('%j', async (wrong, path) => {
      const answer = await sendJson(`${server.url}/store/items`, { ...ITEM, ...wrong }, { method: 'PUT' });
      expect(answer).toMatchObject({ status: 422, json: { code: 'validation_failed', errors: [{ path }] } });
      expect((await client.store.searchItems(['refused'])).items).toEqual([]);
    });

    it('also for delete, get, search and list', async () => {
      const refused = refusal(422, 'validation_failed');
      await expect(client.store.deleteItem(['a', ''], 'k')).rejects.toMatchObject(refused);
      await expect(client.store.getItem(['a', ''], 'k')).rejects.toMatchObject(refused);
      await expect(client.store.searchItems(['a', ''])).rejects.toMatchObject(refused);
      await expect(client.store.searchItems(undefined as never)).rejects.toMatchObject(refused);
      await expect(client.store.searchItems([], { limit: 0 })).rejects.toMatchObject(refused);
      await expect(client.store.searchItems([], { limit: 1001 })).rejects.toMatchObject(refused);
      await expect(client.store.searchItems([], { offset: -1 })).rejects.toMatchObject(refused);
      await expect(client.store.listNamespaces({ prefix: [] })).rejects.toMatchObject(refused);
      await expect(client.store.listNamespaces({ suffix: ['a.b'] })).rejects.toMatchObject(refused);
      await expect(client.store.listNamespaces({ maxDepth: 0 })).rejects.toMatchObject(refused);
      const { status } = await send(`${server.url}/store/items?namespace=a`);
      expect(status).toBe(422);
    });

    it.each([
      [{ a: { $gt: null } }, 'filter.a.$gt'],
      [{ a: { $lte: [1] } }, 'filter.a.$lte'],
      [{ a: { $in: 1 } }, 'filter.a.$in'],
      [{ a: { $regex: 'x' } }, 'filter.a.$regex'],
      [{ a: { b: { $eq: 1, c: 2 } } }, 'filter.a.b.c'],
      [{ a: 'x\0' }, 'filter'],
      [{ a: { '\ud800': 1 } }, 'filter'],
    ])('in a filter: %j', async (filter, path) => {
      const answer = await sendJson(`${server.url}/store/items/search`, { namespace_prefix: [], filter });
      expect(answer).toMatchObject({ status: 422, json: { errors: [{ path }] } });
    });
  });

  describe('searches', () => {
    it('below exactly the labels of a prefix', async () => {
      newRoot();
      for (const path of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['ab'], ['a b'], ['a!'], ['b']]) {
        await put(path, path.join('/'));
      }
      expect(await keysBelow(['a'])).toEqual(['a', 'a/b', 'a/b/c']);
      expect(await keysBelow(['a', 'b'])).toEqual(['a/b', 'a/b/c']);
      expect(await keysBelow(['*'])).toEqual([]);
      expect((await keysBelow([])).toSorted()).toEqual(['a', 'a b', 'a!', 'a/b', 'a/b/c', 'ab', 'b']);
    });

    it('in the order of the first put, page by page', async () => {
      newRoot();
      const keys = ['m', 'z', 'a', 'k', 'b'];
      for (const key of keys) {
        await put(['a'], key);
      }
      await put(['a'], 'z', { again: true });
      expect(await keysBelow(['a'])).toEqual(keys);
      expect(await keysBelow(['a'], { limit: 2 })).toEqual(['m', 'z']);
      expect(await keysBelow(['a'], { limit: 2, offset: 4 })).toEqual(['b']);
      const page = await sendJson(`${server.url}/store/items/search`, {
        namespace_prefix: [root],
        limit: 2,
        offset: 2,
      });
      expect(page.headers.get('x-pagination-next')).toBe('4');
      const last = await sendJson(`${server.url}/store/items/search`, { namespace_prefix: [root], offset: 2 });
      expect(last.headers.get('x-pagination-next')).toBeNull();
    });

    const VALUES: Record<string, Record<string, unknown>> = {
      one: { kind: 'a', size: 1, on: true, tags: ['x'], owner: { name: 'ada', age: 36 }, at: '2026-01-01' },
      two: { kind: 'a', size: 2.5, on: false, tags: ['x', 'y'], owner: { name: 'bob', age: 40 }, at: '2026-02-01' },
      ten: { kind: 'b', size: 10, on: null, owner: 'ada', at: '2026-10-01' },
      text: { kind: 'B', size: '10', tags: 'x', owner: [{ name: 'ada' }] },
      none: {},
    };

    it.each<[object, string[]]>([
      [{}, ['one', 'two', 'ten', 'text', 'none']],
      [{ kind: 'a' }, ['one', 'two']],
      [{ kind: 'a', size: 1 }, ['one']],
      [{ kind: { $eq: 'a' } }, ['one', 'two']],
      [{ size: 10 }, ['ten']],
      [{ size: '10' }, ['text']],
      [{ on: true }, ['one']],
      [{ on: null }, ['ten']],
      [{ tags: ['x'] }, ['one']],
      [{ tags: 'x' }, ['text']],
      [{ tags: [] }, []],
      [{ owner: { name: 'ada' } }, ['one']],
      [{ owner: { name: 'ada', age: { $gt: 30 } } }, ['one']],
      [{ owner: { age: { $gte: 36 } } }, ['one', 'two']],
      [{ owner: {} }, ['one', 'two']],
      [{ owner: { $eq: { name: 'ada' } } }, []],
      [{ owner: { $eq: { age: 36, name: 'ada' } } }, ['one']],
      [{ kind: { $ne: 'a' } }, ['ten', 'text', 'none']],
      [{ on: { $ne: null } }, ['one', 'two', 'text', 'none']],
      [{ size: { $gt: 1 } }, ['two', 'ten']],
      [{ size: { $gte: 1, $lt: 10 } }, ['one', 'two']],
      [{ size: { $lte: 2.5 } }, ['one', 'two']],
      [{ size: { $gt: '1' } }, ['text']],
      [{ at: { $gte: '2026-02-01' } }, ['two', 'ten']],
      [{ kind: { $lt: 'a' } }, ['text']],
      [{ kind: { $in: ['a', 'B', 3] } }, ['one', 'two', 'text']],
      [{ kind: { $in: [] } }, []],
      [{ kind: { $nin: ['a', 'b'] } }, ['text', 'none']],
      [{ missing: { $lt: 1 } }, []],
    ])('for values that match %j', async (filter, keys) => {
      newRoot();
      for (const [key, value] of Object.entries(VALUES)) {
        await put(['f'], key, value);
      }
      expect(await keysBelow(['f'], { filter })).toEqual(keys);
      expect(await keysBelow(['f'], { filter, limit: 1, offset: 1 })).toEqual(keys.slice(1, 2));
    });

    it('ignores a query without an index', async () => {
      newRoot();
      await put([], 'k');
      const { items } = await client.store.searchItems([root], { query: 'anything' });
      expect(items).toHaveLength(1);
      expect(items[0]).not.toHaveProperty('score');
    });
  });

  describe('lists namespaces', () => {
    beforeAll(async () => {
      newRoot();
      for (const path of ['a', 'a/x/v1', 'a/y/v1', 'a/y/v2', 'ab/x/v1', 'b/x/v2', 'c/v1', 'c/v1/deep/er']) {
        await put(path.split('/'), '1');
        await put(path.split('/'), '2');
      }
    });

    it.each<[object, string[]]>([
      [{}, ['a', 'a/x/v1', 'a/y/v1', 'a/y/v2', 'ab/x/v1', 'b/x/v2', 'c/v1', 'c/v1/deep/er']],
      [{ path: ['a'] }, ['a', 'a/x/v1', 'a/y/v1', 'a/y/v2']],
      [{ path: ['*', 'x'] }, ['a/x/v1', 'ab/x/v1', 'b/x/v2']],
      [{ path: ['c', '*', 'deep'] }, ['c/v1/deep/er']],
      [{ suffix: ['v1'] }, ['a/x/v1', 'a/y/v1', 'ab/x/v1', 'c/v1']],
      [{ suffix: ['x', '*'] }, ['a/x/v1', 'ab/x/v1', 'b/x/v2']],
      [{ suffix: ['1'] }, []],
      [{ path: ['a'], suffix: ['v1'] }, ['a/x/v1', 'a/y/v1']],
      [{ maxDepth: 2 }, ['a', 'ab', 'b', 'c']],
      [{ maxDepth: 3 }, ['a', 'a/x', 'a/y', 'ab/x', 'b/x', 'c/v1']],
      [{ maxDepth: 2, suffix: ['v2'] }, ['a', 'b']],
      [{ maxDepth: 9, path: ['c'] }, ['c/v1', 'c/v1/deep/er']],
      [{ maxDepth: 1 }, ['']],
      [{ limit: 2 }, ['a', 'a/x/v1']],
      [{ limit: 2, offset: 7 }, ['c/v1/deep/er']],
      [{ maxDepth: 3, limit: 2, offset: 2 }, ['a/y', 'ab/x']],
    ])('that match %j', async ({ path = [], ...options }: { path?: string[] }, found) => {
      expect(await namespaces({ prefix: [root, ...path], ...options })).toEqual(found);
    });

    it('until their last item is deleted', async () => {
      await put(['gone'], 'k');
      expect(await namespaces({ prefix: [root, 'gone'] })).toEqual(['gone']);
      await client.store.deleteItem([root, 'gone'], 'k');
      expect(await namespaces({ prefix: [root, 'gone'] })).toEqual([]);
    });
  });
});

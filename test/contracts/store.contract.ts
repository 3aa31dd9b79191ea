import { beforeAll, describe, expect, it } from '@jest/globals';

/** An item, read in any way. */
export interface AnyItem {
  namespace: string[];
  key: string;
  value: Record<string, unknown>;
  score?: number;
}

export interface AnySearch {
  filter?: Record<string, unknown>;
  limit?: number;
  offset?: number;
  query?: string;
}

/** The operations of every access to the store: LangGraph's BaseStore directly, in a graph, and the API. */
export interface AnyStore {
  put(namespace: string[], key: string, value: Record<string, unknown>, index?: false | string[]): Promise<unknown>;
  get(namespace: string[], key: string): Promise<AnyItem | null>;
  delete(namespace: string[], key: string): Promise<unknown>;
  search(prefix: string[], options?: AnySearch): Promise<AnyItem[]>;
  listNamespaces(options: {
    prefix?: string[];
    suffix?: string[];
    maxDepth?: number;
    limit?: number;
    offset?: number;
  }): Promise<string[][]>;
}

const keysOf = (items: AnyItem[]): string[] => items.map(({ key }) => key);

/**
 * The contract of every access to the store. Its index embeds the field `text` with the embedding of the
 * test graphs: strings that share words are similar.
 */
export function describeStore(name: string, open: () => AnyStore): void {
  describe(`the store: ${name}`, () => {
    let store: AnyStore;
    let root: string;
    let count = 0;

    beforeAll(() => {
      store = open();
    });

    const newRoot = (): string => (root = `${name} ${(count += 1)}`);

    const putAll = async (items: Record<string, Record<string, unknown>>, ...path: string[]): Promise<void> => {
      for (const [key, value] of Object.entries(items)) {
        await store.put([root, ...path], key, value);
      }
    };

    it('returns stored items, and null for missing ones', async () => {
      newRoot();
      const value = { n: 1, list: [null, { deep: 'é' }], text: 'a parrot' };
      await store.put([root, 'a:b', 'c'], 'k', value);
      const item = await store.get([root, 'a:b', 'c'], 'k');
      expect(item).toMatchObject({ namespace: [root, 'a:b', 'c'], key: 'k', value });
      expect(await store.get([root, 'a:b', 'c'], 'other')).toBeNull();
      expect(await store.get([root, 'a:b'], 'k')).toBeNull();
    });

    it('replaces a value as a whole', async () => {
      newRoot();
      await store.put([root], 'k', { a: 1, text: 'old' });
      await store.put([root], 'k', { b: 2 });
      expect((await store.get([root], 'k'))!.value).toEqual({ b: 2 });
    });

    it('deletes items, and a namespace with its last item', async () => {
      newRoot();
      await putAll({ one: {}, two: {} }, 'a');
      await store.delete([root, 'a'], 'one');
      await store.delete([root, 'a'], 'one');
      expect(await store.get([root, 'a'], 'one')).toBeNull();
      expect(await store.listNamespaces({ prefix: [root] })).toEqual([[root, 'a']]);
      await store.delete([root, 'a'], 'two');
      expect(await store.listNamespaces({ prefix: [root] })).toEqual([]);
    });

    it('searches by exact labels of a prefix, in the order of the first put, page by page', async () => {
      newRoot();
      await putAll({ z: {}, a: {}, m: {} }, 'a');
      await putAll({ deep: {} }, 'a', 'b');
      await putAll({ other: {} }, 'ab');
      expect(keysOf(await store.search([root, 'a']))).toEqual(['z', 'a', 'm', 'deep']);
      expect(keysOf(await store.search([root, 'a'], { limit: 2, offset: 1 }))).toEqual(['a', 'm']);
      expect(keysOf(await store.search([root, 'a', 'b']))).toEqual(['deep']);
    });

    it('filters by equality and by operators', async () => {
      newRoot();
      await putAll({ one: { n: 1, o: { k: 'x' } }, two: { n: 2, o: { k: 'y' } }, none: {} });
      expect(keysOf(await store.search([root], { filter: { n: 1 } }))).toEqual(['one']);
      expect(keysOf(await store.search([root], { filter: { o: { k: 'y' } } }))).toEqual(['two']);
      expect(keysOf(await store.search([root], { filter: { n: { $gt: 1 } } }))).toEqual(['two']);
      expect(keysOf(await store.search([root], { filter: { n: { $ne: 1 } } }))).toEqual(['two', 'none']);
    });

    it('lists namespaces with wildcards and a maximum depth, page by page', async () => {
      newRoot();
      for (const path of ['a/x/v1', 'a/y/v2', 'b/x/v1']) {
        await store.put([root, ...path.split('/')], 'k', {});
      }
      const list = async (options: Parameters<AnyStore['listNamespaces']>[0]): Promise<string[]> =>
        (await store.listNamespaces({ prefix: [root], ...options })).map((labels) => labels.slice(1).join('/'));
      expect(await list({})).toEqual(['a/x/v1', 'a/y/v2', 'b/x/v1']);
      expect(await list({ prefix: [root, '*', 'x'] })).toEqual(['a/x/v1', 'b/x/v1']);
      expect(await list({ suffix: ['v1'] })).toEqual(['a/x/v1', 'b/x/v1']);
      expect(await list({ maxDepth: 2 })).toEqual(['a', 'b']);
      expect(await list({ limit: 1, offset: 1 })).toEqual(['a/y/v2']);
    });

    describe('by similarity', () => {
      const TEXTS = {
        nuts: { text: 'parrots like nuts', kind: 'a' },
        rain: { text: 'tomorrow there will be rain', kind: 'b' },
        talk: { text: 'green parrots talk', kind: 'b' },
      };

      it('finds the most similar first, with scores', async () => {
        newRoot();
        await putAll(TEXTS);
        const items = await store.search([root], { query: 'parrots like nuts' });
        expect(keysOf(items)).toEqual(['nuts', 'talk', 'rain']);
        expect(items[0].score).toBeCloseTo(1, 5);
        expect(items[1].score).toBeLessThan(items[0].score!);
        expect(items[2].score).toBeLessThan(items[1].score!);
        expect(items[0].value).toEqual(TEXTS.nuts);
      });

      it('together with a filter, a prefix and pages', async () => {
        newRoot();
        await putAll(TEXTS, 'a');
        await putAll({ elsewhere: { text: 'parrots like nuts' } }, 'ab');
        const query = 'parrots like nuts';
        expect(keysOf(await store.search([root, 'a'], { query, filter: { kind: 'b' } }))).toEqual(['talk', 'rain']);
        expect(keysOf(await store.search([root, 'a'], { query, filter: { kind: { $ne: 'b' } } }))).toEqual(['nuts']);
        expect(keysOf(await store.search([root, 'a'], { query, limit: 1, offset: 1 }))).toEqual(['talk']);
        expect(keysOf(await store.search([root, 'a'], { query, offset: 3 }))).toEqual([]);
        expect(keysOf(await store.search([root], { query, limit: 2 })).toSorted()).toEqual(['elsewhere', 'nuts']);
      });

      it('compares the current value of an item', async () => {
        newRoot();
        await putAll(TEXTS);
        await store.put([root], 'nuts', { text: 'snow in winter' });
        await store.put([root], 'rain', { text: 'nothing', kind: 'b' }, false);
        await store.delete([root], 'talk');
        expect(keysOf(await store.search([root], { query: 'parrots like nuts' }))).toEqual(['nuts']);
        expect((await store.search([root], { query: 'winter snow in' }))[0].score).toBeCloseTo(1, 5);
      });

      it('uses the most similar of several strings', async () => {
        newRoot();
        const chapters = [{ text: 'about the sea' }, { text: 'parrots like nuts' }, { text: 'the end' }];
        await store.put([root], 'book', { chapters, title: 'stories' }, ['title', 'chapters[*].text']);
        await store.put([root], 'first', { chapters }, ['chapters[0].text']);
        await store.put([root], 'whole', { a: { b: 'parrots like nuts' } }, ['$']);
        const items = await store.search([root], { query: 'parrots like nuts' });
        expect(keysOf(items)).toEqual(['book', 'whole', 'first']);
        expect(items[0].score).toBeCloseTo(1, 5);
      });

      it('does not find items without strings', async () => {
        newRoot();
        await putAll({ none: { n: 1 }, blank: { text: ' ' } });
        await store.put([root], 'not', { text: 'parrots' }, false);
        expect(await store.search([root], { query: 'parrots' })).toEqual([]);
        expect(await store.search([root])).toHaveLength(3);
      });

      it('returns as many items as requested while more match, even if matches are rare', async () => {
        newRoot();
        for (let n = 0; n < 60; n += 1) {
          await store.put([root], `near ${n}`, { text: 'parrots like nuts', rare: false });
        }
        for (let n = 0; n < 12; n += 1) {
          await store.put([root], `far ${n}`, { text: `number ${'x'.repeat(n + 1)}`, rare: true });
        }
        const items = await store.search([root], { query: 'parrots like nuts', filter: { rare: true }, limit: 10 });
        expect(items).toHaveLength(10);
        expect(items.every(({ value }) => value.rare)).toBe(true);
        expect(await store.search([root], { query: 'parrots like nuts', limit: 100 })).toHaveLength(72);
      });

      it('stores nothing when a string cannot be embedded', async () => {
        newRoot();
        await store.put([root], 'old', { text: 'a parrot' });
        await expect(store.put([root], 'old', { text: 'unspeakable' })).rejects.toThrow(/cannot be said/);
        await expect(store.search([root], { query: 'unspeakable' })).rejects.toThrow(/cannot be said/);
        expect((await store.get([root], 'old'))!.value).toEqual({ text: 'a parrot' });
      });
    });
  });
}

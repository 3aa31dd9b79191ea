import { describe, expect, it } from '@jest/globals';
import { AsyncBatchedStore, InMemoryStore } from '@langchain/langgraph';
import { ValidationFailedError } from '../common/index.js';
import type { ItemStore } from './item-store.js';
import type { Operation } from './operations.js';
import { PostgresStore } from './postgres-store.js';

/** Records the batches; those with a key `bad` fail. */
function storeWithBatches(): { store: PostgresStore; batches: Operation[][] } {
  const batches: Operation[][] = [];
  const items = {
    execute: (operations: Operation[]) => {
      batches.push(operations);
      const isBad = operations.some((operation) => 'key' in operation && operation.key === 'bad');
      return isBad
        ? Promise.reject(new Error('bad'))
        : Promise.resolve(operations.map((_, index) => index as unknown as undefined));
    },
  } as unknown as ItemStore;
  return { store: new PostgresStore(items, { queue: { lease_ms: 1_000 } } as never), batches };
}

describe('the store of graphs', () => {
  it('sends the operations of one event loop turn as one batch', async () => {
    const { store, batches } = storeWithBatches();
    const answers = await Promise.all([
      store.get(['a'], 'k'),
      store.put(['a'], 'k', {}, ['text'], { ttl: 5 }),
      store.search(['a'], { query: 'q' }),
      store.delete(['a'], 'k'),
      store.listNamespaces({ prefix: ['a'], maxDepth: 1 }),
    ]);
    expect(batches).toMatchObject([
      [
        { namespace: ['a'], key: 'k' },
        { namespace: ['a'], key: 'k', value: {}, index: ['text'], ttl: 5 },
        { namespacePrefix: ['a'], query: 'q' },
        { namespace: ['a'], key: 'k', value: null },
        { matchConditions: [{ matchType: 'prefix', path: ['a'] }], maxDepth: 1 },
      ],
    ]);
    expect(answers).toEqual([0, undefined, 2, undefined, 4]);
    await store.get(['a'], 'k');
    expect(batches).toHaveLength(2);
  });

  it('rejects only the operations that fail', async () => {
    const { store, batches } = storeWithBatches();
    const answers = await Promise.allSettled([store.get(['a'], 'k'), store.get(['a'], 'bad'), store.get(['a'], 'l')]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches.map(({ length }) => length)).toEqual([3, 1, 1, 1]);
    await expect(store.get(['a.b'], 'k')).rejects.toThrow(ValidationFailedError);
    expect(batches).toHaveLength(4);
  });

  it('receives unchanged calls through the LangGraph wrapper, without polling', async () => {
    const { store, batches } = storeWithBatches();
    const wrapper = new AsyncBatchedStore(store);
    wrapper.start();
    expect(wrapper.isRunning).toBe(false);
    await wrapper.put(['a:b'], 'k', {}, ...([['text']] as unknown as []));
    await wrapper.listNamespaces();
    await wrapper.batch([{ namespace: ['a'], key: 'k' }]);
    expect(batches.map(([operation]) => Object.keys(operation)[0])).toEqual([
      'namespace',
      'matchConditions',
      'namespace',
    ]);
    expect(batches[0]).toMatchObject([{ namespace: ['a:b'], index: ['text'] }]);
  });

  it('does not change wrappers around other stores', async () => {
    storeWithBatches();
    const wrapper = new AsyncBatchedStore(new InMemoryStore());
    wrapper.start();
    expect(wrapper.isRunning).toBe(true);
    await wrapper.put(['a'], 'k', { n: 1 });
    expect(await wrapper.get(['a'], 'k')).toMatchObject({ value: { n: 1 } });
    await expect(wrapper.batch([])).rejects.toThrow(/not implemented/);
    await wrapper.stop();
  });
});

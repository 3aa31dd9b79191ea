import type { Scenarios } from '../scene.js';

/** Behaviours 9. */
export const store: Scenarios = {
  items: async ({ mark, step, tell }) => {
    const namespace = [mark, 'memories'];
    await step('nothing there', (client) => client.store.getItem(namespace, 'a'));
    await step('put', (client) => client.store.putItem(namespace, 'a', { text: 'one', list: [1, { b: 2 }] }));
    const first = await step('get', (client) => client.store.getItem(namespace, 'a'));
    await step('put again', (client) => client.store.putItem(namespace, 'a', { text: 'two' }));
    const second = await step('get again', (client) => client.store.getItem(namespace, 'a'));
    tell('creation stays', first?.createdAt === second?.createdAt);
    await step('delete', (client) => client.store.deleteItem(namespace, 'a'));
    await step('delete again', (client) => client.store.deleteItem(namespace, 'a'));
    await step('gone', (client) => client.store.getItem(namespace, 'a'));
  },

  'items with time to live and index': async ({ mark, step }) => {
    const namespace = [mark];
    await step('put', (client) => client.store.putItem(namespace, 'a', { text: 'one' }, { ttl: 60, index: false }));
    await step('get', (client) => client.store.getItem(namespace, 'a', { refreshTtl: true }));
  },

  searches: async ({ client, mark, step }) => {
    for (const [key, kind, rank] of [
      ['a', 'parrot', 1],
      ['b', 'owl', 2],
      ['c', 'parrot', 3],
    ] as const) {
      await client.store.putItem([mark, 'birds'], key, { kind, rank, nested: { deep: kind } });
    }
    await client.store.putItem([mark, 'fish'], 'd', { kind: 'carp', rank: 4 });
    const prefix = [mark];
    await step('all', (client) => client.store.searchItems(prefix));
    await step('below', (client) => client.store.searchItems([mark, 'birds']));
    await step('nothing below', (client) => client.store.searchItems([mark, 'none']));
    await step('equal', (client) => client.store.searchItems(prefix, { filter: { kind: 'parrot' } }));
    await step('two conditions', (client) => client.store.searchItems(prefix, { filter: { kind: 'parrot', rank: 3 } }));
    await step('nested', (client) => client.store.searchItems(prefix, { filter: { nested: { deep: 'owl' } } }));
    for (const [operator, value] of [
      ['$eq', 2],
      ['$ne', 2],
      ['$gt', 2],
      ['$gte', 2],
      ['$lt', 2],
      ['$lte', 2],
      ['$in', [1, 2]],
      ['$near', 2],
    ] as const) {
      await step(operator, (client) => client.store.searchItems(prefix, { filter: { rank: { [operator]: value } } }));
    }
    await step('a page', (client) => client.store.searchItems(prefix, { limit: 2 }));
    await step('the next page', (client) => client.store.searchItems(prefix, { limit: 2, offset: 2 }));
    await step('with a query', (client) => client.store.searchItems(prefix, { query: 'birds' }));
  },

  prefixes: async ({ client, mark, step }) => {
    await client.store.putItem([mark, 'a'], 'x', { n: 1 });
    await client.store.putItem([mark, 'ab'], 'y', { n: 2 });
    await step('search', (client) => client.store.searchItems([mark, 'a']));
  },

  namespaces: async ({ client, mark, step }) => {
    for (const namespace of [['a', 'x'], ['a', 'y', 'deep'], ['b', 'x'], ['a']]) {
      await client.store.putItem([mark, ...namespace], 'k', { n: 1 });
    }
    const prefix = [mark];
    await step('all', (client) => client.store.listNamespaces({ prefix }));
    await step('below', (client) => client.store.listNamespaces({ prefix: [mark, 'a'] }));
    await step('with a wildcard', (client) => client.store.listNamespaces({ prefix: [mark, '*', 'x'] }));
    await step('by their end', (client) => client.store.listNamespaces({ prefix, suffix: ['x'] }));
    await step('not so deep', (client) => client.store.listNamespaces({ prefix, maxDepth: 2 }));
    await step('a page', (client) => client.store.listNamespaces({ prefix, limit: 2 }));
    await step('the next page', (client) => client.store.listNamespaces({ prefix, limit: 2, offset: 2 }));
    await client.store.deleteItem([mark, 'b', 'x'], 'k');
    await step('without one that is empty', (client) => client.store.listNamespaces({ prefix }));
  },

  refusals: async ({ mark, step, raw }) => {
    await step('an empty label', (client) => client.store.putItem([mark, ''], 'a', {}));
    await raw('a label with a dot', '/store/items', {
      method: 'PUT',
      json: { namespace: ['a.b'], key: 'k', value: {} },
    });
    await step('an empty namespace', (client) => client.store.putItem([], 'a', {}));
    await step('an empty key', (client) => client.store.putItem([mark], '', { n: 1 }));
    await step('a reserved label', (client) => client.store.putItem(['langgraph', mark], 'a', {}));
    for (const [name, value] of [
      ['a list', []],
      ['a string', 'text'],
      ['null', null],
    ] as const) {
      await step(`a value that is ${name}`, (client) => client.store.putItem([mark], 'a', value as never));
    }
    await raw('no namespace', '/store/items', { method: 'PUT', json: { key: 'k', value: {} } });
    await raw('no key', `/store/items?namespace=${mark}`);
    await raw('nothing to search in', '/store/items/search', { json: {} });
    await raw('an empty prefix', '/store/namespaces', { json: { prefix: [] } });
  },
};

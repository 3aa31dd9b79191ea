import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, newThread, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

type Call = [method: string, ...given: unknown[]];

describe.each(SDKS)('the store inside graphs, with SDK %s', (version, Client) => {
  let client: Client;
  const root = `graphs ${version.replaceAll('.', '-')}`;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** Lets a graph call its store; calls of one list at the same time. */
  const remember = async (...calls: Call[][]): Promise<unknown[]> => {
    const { answers } = (await client.runs.wait(null, 'memory', { input: { calls } })) as { answers: unknown[] };
    return answers;
  };

  it('shares its items with clients', async () => {
    await client.store.putItem([root, 'http'], 'k', { from: 'client' });
    const [item, none, , found] = await remember(
      [['get', [root, 'http'], 'k']],
      [['get', [root, 'http'], 'other']],
      [['put', [root, 'graph'], 'k', { from: 'graph' }]],
      [['search', [root], { filter: { from: 'graph' } }]],
    );
    expect(item).toEqual({
      namespace: [root, 'http'],
      key: 'k',
      value: { from: 'client' },
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(none).toBeNull();
    expect(found).toMatchObject([{ namespace: [root, 'graph'], key: 'k', value: { from: 'graph' } }]);
    expect(await client.store.getItem([root, 'graph'], 'k')).toMatchObject({ value: { from: 'graph' } });
    await remember([['delete', [root, 'graph'], 'k']]);
    expect(await client.store.getItem([root, 'graph'], 'k')).toBeNull();
  });

  it('is the same in subgraphs, including those with their own store', async () => {
    const path = [root, 'below'];
    const input = { calls: [[['put', path, 'k', { a: 1 }]], [['get', path, 'k']]], below: true };
    const { answers } = (await client.runs.wait(null, 'memory', { input })) as { answers: unknown[] };
    expect(answers[1]).toMatchObject({ value: { a: 1 } });
    expect(await client.store.getItem(path, 'k')).toMatchObject({ value: { a: 1 } });
  });

  it('is available when a state is updated as a node', async () => {
    await client.store.deleteItem(['memory', 'routers'], 'last');
    const thread_id = await newThread(client);
    await client.runs.wait(thread_id, 'memory', { input: { calls: [] } });
    await client.store.deleteItem(['memory', 'routers'], 'last');
    await client.threads.updateState(thread_id, { values: {}, asNode: 'remember' });
    expect(await client.store.getItem(['memory', 'routers'], 'last')).toMatchObject({ value: { seen: true } });
  });

  it('lists namespaces', async () => {
    await remember([
      ['put', [root, 'ns', 'a', 'v1'], 'k', {}],
      ['put', [root, 'ns', 'b', 'v1'], 'k', {}],
      ['put', [root, 'ns', 'b', 'v2'], 'k', {}],
    ]);
    const [all, cut, last] = await remember([
      ['listNamespaces', { prefix: [root, 'ns'] }],
      ['listNamespaces', { prefix: [root, 'ns'], maxDepth: 3 }],
      ['listNamespaces', { prefix: [root, '*', 'b'], suffix: ['v2'] }],
    ]);
    const below = (...path: string[]): string[] => [root, 'ns', ...path];
    expect(all).toEqual([below('a', 'v1'), below('b', 'v1'), below('b', 'v2')]);
    expect(cut).toEqual([below('a'), below('b')]);
    expect(last).toEqual([below('b', 'v2')]);
  });

  it('executes a batch, whose reads see the items before the batch', async () => {
    const path = [root, 'batch'];
    await client.store.putItem(path, 'old', { n: 1 });
    const [answer] = (await remember([
      [
        'batch',
        [
          { namespace: path, key: 'old', value: { n: 2 } },
          { namespace: path, key: 'old' },
          { namespace: path, key: 'new', value: { n: 1 } },
          { namespace: path, key: 'new', value: { n: 2 } },
          { namespace: path, key: 'new' },
          { namespacePrefix: path, limit: 5, offset: 0 },
          { namespace: path, key: 'gone', value: { n: 1 } },
          { namespace: path, key: 'gone', value: null },
          { matchConditions: [{ matchType: 'prefix', path }], limit: 5, offset: 0 },
        ],
      ],
    ])) as [unknown[]];
    expect(answer[1]).toMatchObject({ value: { n: 1 } });
    expect(answer[4]).toBeNull();
    expect(answer[5]).toMatchObject([{ key: 'old', value: { n: 1 } }]);
    expect(answer[8]).toEqual([path]);
    const { items } = await client.store.searchItems(path);
    expect(items.map(({ key, value }) => [key, value])).toEqual([
      ['old', { n: 2 }],
      ['new', { n: 2 }],
    ]);
  });

  it('stores messages as clients see them', async () => {
    const message = { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'HumanMessage'], kwargs: {} };
    await remember([['put', [root, 'm'], 'k', { message }]]);
    expect(await client.store.getItem([root, 'm'], 'k')).toMatchObject({ value: { message } });
  });

  it('refuses what clients may not put either, and executes the other operations', async () => {
    const answers = await remember([
      ['put', [root, 'a.b'], 'k', {}],
      ['put', ['langgraph', 'a'], 'k', {}],
      ['put', [root, 'r'], 'k', { text: 'a\u0000' }],
      ['put', [root, 'r'], 'list', [1]],
      ['search', [root], { filter: { a: { $regex: 'x' } } }],
      ['put', [root, 'r'], 'right', { a: 'user:1' }],
    ]);
    expect(answers.map((answer) => (answer as { refused?: string } | null)?.refused?.split(':')[0])).toEqual([
      'namespace', 'namespace', 'value', 'value', 'filter.a.$regex', undefined,
    ]); // prettier-ignore
    expect((await client.store.searchItems([root, 'r'])).items).toHaveLength(1);
  });
});

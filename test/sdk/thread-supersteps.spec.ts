import { beforeAll, describe, expect, it } from '@jest/globals';
import { sendJson } from '../support/http.js';
import { type Client, connect, newThread, refusal, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

describe.each(SDKS)('a thread created with supersteps, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  type Supersteps = NonNullable<NonNullable<Parameters<Client['threads']['create']>[0]>['supersteps']>;

  const create = (supersteps: unknown, fields: object = {}) =>
    client.threads.create({ graphId: 'steps', supersteps: supersteps as Supersteps, ...fields });

  const step = (asNode: string, values: unknown) => ({ updates: [{ values, asNode }] });

  const historyOf = async (thread_id: string) =>
    (await client.threads.getHistory(thread_id)).map(({ values, next, metadata }) => ({
      values,
      next,
      source: (metadata as { source?: string }).source,
    }));

  it('has the same history as after a run', async () => {
    const run = await newThread(client);
    await client.runs.wait(run, 'steps', { input: { path: ['in'] } });
    const { thread_id } = await create([
      step('__input__', { path: ['in'] }),
      step('__start__', { path: ['in'] }),
      step('one', { path: ['one'] }),
      step('two', { path: ['two'] }),
      step('three', { path: ['three'] }),
    ]);
    const past = (states: Awaited<ReturnType<typeof historyOf>>) =>
      states.map(({ values, next }) => ({ values, next }));
    expect(past(await historyOf(thread_id))).toEqual(past(await historyOf(run)));
    expect((await historyOf(thread_id)).at(-1)).toMatchObject({ source: 'input' });
    expect(await client.threads.get(thread_id)).toMatchObject({
      status: 'idle',
      values: { path: ['in', 'one', 'two', 'three'] },
      metadata: { graph_id: 'steps' },
    });
  });

  it('has the state of its last superstep, and continues from there', async () => {
    const { thread_id, status } = await create([step('__start__', { path: ['in'] }), step('one', { path: ['mine'] })]);
    expect(status).toBe('interrupted');
    expect(await client.threads.getState(thread_id)).toMatchObject({ next: ['two'] });
    expect(await client.runs.wait(thread_id, 'steps', { input: null })).toEqual({
      path: ['in', 'mine', 'two', 'three'],
    });
  });

  it('accepts commands, and nodes that returned nothing', async () => {
    const { thread_id } = await create([
      step('__start__', { path: ['in'] }),
      { updates: [{ command: { update: { path: ['by command'] } }, asNode: 'one' }] },
      step('two', null),
    ]);
    expect(await client.threads.getState(thread_id)).toMatchObject({
      values: { path: ['in', 'by command'] },
      next: ['three'],
    });
  });

  it.each([
    ['an unknown node', [step('__start__', {}), step('nowhere', {})], 422],
    ['no updates', [{ updates: [] }], 422],
    ['invalid updates', [{ updates: [7] }], 422],
    ['an invalid command', [{ updates: [{ command: 7, asNode: 'one' }] }], 422],
  ])('is not created with %s', async (_problem, supersteps, status) => {
    const threadId = crypto.randomUUID();
    await expect(create(supersteps, { threadId })).rejects.toMatchObject({ status });
    await expect(client.threads.get(threadId)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    const { rows } = await server.database.pool.query('SELECT FROM checkpoints WHERE thread_id = $1', [threadId]);
    expect(rows).toEqual([]);
  });

  it('requires a graph', async () => {
    const threadId = crypto.randomUUID();
    const supersteps = [step('one', {})] as Supersteps;
    await expect(client.threads.create({ threadId, supersteps })).rejects.toMatchObject(
      refusal(400, 'thread_without_graph'),
    );
    await expect(client.threads.get(threadId)).rejects.toMatchObject({ status: 404 });
  });

  it('is not changed when it already exists', async () => {
    const { thread_id } = await create([step('__start__', { path: ['in'] })]);
    const before = await historyOf(thread_id);
    const again = [step('__start__', { path: ['other'] })];
    await expect(create(again, { threadId: thread_id })).rejects.toMatchObject(refusal(409, 'thread_exists'));
    await create(again, { threadId: thread_id, ifExists: 'do_nothing' });
    expect(await historyOf(thread_id)).toEqual(before);
  });
});

describe('a state with selected fields', () => {
  let client: Client;
  let thread_id: string;

  beforeAll(async () => {
    client = connect(SDKS[0][1], server.url);
    thread_id = await newThread(client);
    await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' } });
  });

  const url = (path: string, select: string[]) =>
    `${server.url}/threads/${thread_id}/${path}?${select.map((name) => `select=${encodeURIComponent(name)}`).join('&')}`;

  const get = async (path: string, select: string[]): Promise<unknown> => (await fetch(url(path, select))).json();

  it('contains no other fields, on every route', async () => {
    const { checkpoint, next, values } = await client.threads.getState(thread_id);
    const select = ['next', 'values'];
    expect(await get('state', select)).toEqual({ next, values });
    expect(await get(`state/${checkpoint.checkpoint_id}`, select)).toEqual({ next, values });
    const body = await sendJson(`${server.url}/threads/${thread_id}/state/checkpoint`, { checkpoint, select });
    expect(body.json).toEqual({ next, values });
    const history = await sendJson(`${server.url}/threads/${thread_id}/history`, { select, limit: 1 });
    expect(history.json).toEqual([{ next, values }]);
  });

  it('can contain only some of its values', async () => {
    expect(await get('state', ['values.question', 'values.nothing'])).toEqual({ values: { question: 'why?' } });
    expect(await get('state', ['values.question', 'values'])).toEqual({ values: { question: 'why?' } });
  });

  it('rejects unknown fields', async () => {
    for (const name of ['kwargs', 'values.', 'value']) {
      expect((await fetch(url('state', [name]))).status).toBe(422);
      const history = await sendJson(`${server.url}/threads/${thread_id}/history`, { select: [name] });
      expect(history).toMatchObject({ status: 422, json: { errors: [{ path: 'select' }] } });
    }
  });
});

describe.each(SDKS)('patching the state of a thread, with SDK %s', (_, Client) => {
  it('updates the metadata of the thread', async () => {
    const client = connect(Client, server.url);
    const thread_id = await newThread(client);
    await client.threads.update(thread_id, { metadata: { a: 1, b: 1 } });
    await client.threads.patchState(thread_id, { b: 2 });
    expect(await client.threads.get(thread_id)).toMatchObject({ metadata: { a: 1, b: 2 } });
    await expect(client.threads.patchState(crypto.randomUUID(), {})).rejects.toMatchObject(
      refusal(404, 'thread_not_found'),
    );
  });
});

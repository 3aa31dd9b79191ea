import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Answer, type Refusal, send, sendJson } from '../support/http.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';

const MAX_VALUES = 100_000;
const MEGABYTE = 1024 * 1024;

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await killLeftovers();
  await database?.drop();
});

const times = <T>(count: number, item: T): T[] => Array<T>(count).fill(item);
/** An object with so many values, itself and the list in it included. */
const objectOf = (values: number): object => ({ list: times(values - 2, 0) });

const membersOf = (members: number): object =>
  Object.fromEntries(Array.from({ length: members }, (_, at) => [`member ${at}`, at]));

describe('with the default limits', () => {
  let server: TestServer;
  const post = (path: string, body: unknown): Promise<Answer> => sendJson(server.url + path, body);
  const postText = (path: string, body: string): Promise<Answer> => send(server.url + path, { method: 'POST', body });

  beforeAll(async () => {
    server = await startServer({ database });
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** The body of a search, of so many values. */
  const search = (values: number, item: string): string =>
    `{"limit":1,"ignored":[${times(values - 3, item).join(',')}]}`;

  it.each(['{}', '[]', '""', '0', 'null'])('a body may have 100,000 values, and no more: %s', async (item) => {
    expect((await postText('/threads/search', search(MAX_VALUES, item))).status).toBe(200);
    const { status, json } = await postText('/threads/search', search(MAX_VALUES + 1, item));
    expect(status).toBe(422);
    expect(json).toMatchObject({
      code: 'too_many_values',
      detail: expect.stringContaining('NESTGRAPH_BODY_LIMIT_VALUES'),
    });
  });

  it('a body with too many values is not parsed: what is wrong with it is not found', async () => {
    const { json } = await postText('/threads', `[${'{},'.repeat(MAX_VALUES)}`);
    expect(json).toMatchObject({ code: 'too_many_values' });
  });

  it('a body may have 20 MiB, and no more', async () => {
    const textOf = (bytes: number): string => JSON.stringify({ limit: 1, ignored: 'x'.repeat(bytes) });
    expect((await postText('/threads/search', textOf(20 * MEGABYTE - 100))).status).toBe(200);
    // Each client gets the refusal, although it has not sent all of the body by then.
    for (let count = 0; count < 20; count += 1) {
      expect(await postText('/threads/search', textOf(20 * MEGABYTE))).toMatchObject({ status: 413 });
    }
  });

  it('a body of unknown length is refused when it gets too long, and the connection stays usable', async () => {
    for (let count = 0; count < 20; count += 1) {
      const { status } = await fetch(`${server.url}/threads/search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: new Blob([' '.repeat(21 * MEGABYTE)]).stream(),
        duplex: 'half',
      });
      expect(status).toBe(413);
    }
    expect((await postText('/threads/search', '{"limit":1}')).status).toBe(200);
  });

  it.each<[string, string, (values: number) => object, number]>([
    ['metadata', '/threads', (values) => ({ metadata: objectOf(values) }), 10_000],
    ['metadata', '/assistants', (values) => ({ graph_id: 'echo', metadata: objectOf(values) }), 10_000],
    ['metadata', '/runs', (values) => ({ assistant_id: 'echo', input: {}, metadata: objectOf(values) }), 10_000],
    ['context', '/runs', (values) => ({ assistant_id: 'echo', input: {}, context: objectOf(values) }), 10_000],
    ['config', '/runs', (values) => ({ assistant_id: 'echo', input: {}, config: objectOf(values) }), 10_000],
    ['metadata', '/threads/search', (values) => ({ metadata: objectOf(values) }), 1_000],
    ['values', '/threads/count', (values) => ({ values: objectOf(values) }), 1_000],
    ['metadata', '/assistants/search', (values) => ({ metadata: objectOf(values) }), 1_000],
    ['metadata', '/runs/crons/count', (values) => ({ metadata: objectOf(values) }), 1_000],
    ['filter', '/store/items/search', (values) => ({ namespace_prefix: [], filter: objectOf(values) }), 1_000],
  ])('%s of %s has a bound of its own', async (path, route, bodyOf, limit) => {
    expect((await post(route, bodyOf(limit))).status).toBe(200);
    const { status, json } = await post(route, bodyOf(limit + 1));
    expect(status).toBe(422);
    expect((json as Refusal).errors).toEqual([{ path, message: `must have at most ${limit} values, itself included` }]);
  });

  it.each<[string, (settings: object) => object]>([
    ['context', (context) => ({ context })],
    ['metadata', (metadata) => ({ metadata })],
    ['config.configurable', (configurable) => ({ config: { configurable } })],
    ['config.metadata', (metadata) => ({ config: { metadata } })],
  ])('%s of a run has at most 1000 members, which LangGraph copies for each node', async (path, bodyOf) => {
    const body = (members: number) => ({ assistant_id: 'echo', input: {}, ...bodyOf(membersOf(members)) });
    expect((await post('/runs', body(1_000))).status).toBe(200);
    const { status, json } = await post('/runs', body(1_001));
    expect([status, (json as Refusal).errors]).toEqual([422, [{ path, message: 'must have at most 1000 members' }]]);
  });

  it.each([
    ['/threads', 'metadata', 1_048_576, {}],
    ['/threads/search', 'metadata', 262_144, {}],
    ['/threads/search', 'values', 262_144, {}],
    ['/store/items/search', 'filter', 262_144, { namespace_prefix: [] }],
  ])('of %s: %s has at most %i characters', async (path, field, characters, rest) => {
    const body = (count: number) => ({ ...rest, [field]: { k: 'x'.repeat(count - 1) } });
    expect((await post(path, body(characters))).status).toBe(200);
    const { status, json } = await post(path, body(characters + 1));
    expect([status, (json as { errors: object[] }).errors]).toEqual([
      422,
      [{ path: field, message: `must have at most ${characters} characters in its keys and strings` }],
    ]);
  });

  it('an item of the store has at most 8 Mi characters', async () => {
    const item = (count: number) => ({ namespace: ['large'], key: 'k', value: { k: 'x'.repeat(count - 8) } });
    const put = (body: unknown) =>
      send(`${server.url}/store/items`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await put(item(8_388_608))).status).toBe(204);
    const { status, json } = await put(item(8_388_609));
    expect([status, (json as Refusal).errors]).toEqual([
      422,
      [{ path: 'value', message: expect.stringMatching(/^must be an object of at most 8388608 characters as JSON/) }],
    ]);
  });

  it('a filter of many members is one statement that the database takes', async () => {
    const members = Object.fromEntries(times(499, { $gt: 1 }).map((condition, at) => [`m${at}`, condition]));
    expect((await post('/store/items/search', { namespace_prefix: [], filter: members })).status).toBe(200);
  });

  it('an answer names a hundred refused fields, and says how many more there are', async () => {
    const updates = times(200, { as_node: 1 });
    const { json } = await post('/threads', { metadata: { graph_id: 'echo' }, supersteps: [{ updates }] });
    const { errors, detail } = json as Refusal;
    expect(errors).toHaveLength(100);
    expect(detail).toMatch(/; and \d+ more$/);
  });

  describe('supersteps', () => {
    const step = (messages: unknown, count = 1): object => ({
      updates: times(count, { values: { messages }, as_node: 'echo' }),
    });
    const create = (thread_id: string, supersteps: object[]): Promise<Answer> =>
      post('/threads', { thread_id, metadata: { graph_id: 'echo' }, supersteps });

    it.each<[string, object[]]>([
      ['supersteps', times(1_001, step('a'))],
      ['supersteps.0.updates', [step('a', 1_001)]],
    ])('are bounded in number: %s', async (path, supersteps) => {
      const { status, json } = await create(randomUUID(), supersteps);
      expect(status).toBe(422);
      expect((json as Refusal).errors?.map((error) => error.path)).toContain(path);
    });

    it('are bounded in size: each checkpoint holds all messages that are there by then', async () => {
      const thread_id = randomUUID();
      const large = 'x'.repeat(10 * MEGABYTE);
      const { status, json } = await create(thread_id, [step(large), ...times(8, step('a'))]);
      expect(status).toBe(422);
      expect(json).toMatchObject({ code: 'supersteps_too_large' });
      expect((await send(`${server.url}/threads/${thread_id}`)).status).toBe(404);

      expect((await create(thread_id, [step(large), step('a')])).status).toBe(200);
    });

    it('updates of one state are bounded in number', async () => {
      const thread_id = randomUUID();
      await create(thread_id, [step('a')]);
      const { status, json } = await post(`/threads/${thread_id}/state`, { values: times(1_001, { messages: 'a' }) });
      expect(status).toBe(422);
      expect((json as Refusal).errors?.map((error) => error.path)).toContain('values');
    });
  });
});

describe('with limits of its own, and a custom app that reads bodies', () => {
  let server: TestServer;

  beforeAll(async () => {
    const env = { NESTGRAPH_BODY_LIMIT_VALUES: '50' };
    server = await startServer({ database, args: ['--config', 'custom-app.json'], env });
  });
  afterAll(async () => {
    await server?.stop();
  });

  it.each<[string, Record<string, string>]>([
    ['by the server', {}],
    ['by the app', { 'x-into-config': 'yes' }],
  ])('a body is refused before it is parsed %s', async (_, headers) => {
    const postOf = (values: number): Promise<Answer> =>
      sendJson(`${server.url}/threads/search`, { ignored: times(values - 2, 0) }, { headers });
    expect((await postOf(51)).json).toMatchObject({ code: 'too_many_values' });
    // The app adds values of its own.
    expect((await postOf(40)).status).toBe(200);
  });
});

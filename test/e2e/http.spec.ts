import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Answer, type Refusal, send, sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';

let database: TestDatabase;
let server: TestServer;

const get = (path: string, headers?: Record<string, string>): Promise<Answer> => send(server.url + path, { headers });
const post = (path: string, body: unknown, init?: RequestInit): Promise<Answer> =>
  sendJson(server.url + path, body, init);

const MESSAGES = { messages: [{ role: 'user', content: 'Hello' }] };

async function newThread(): Promise<string> {
  const { json } = await post('/threads', {});
  return (json as { thread_id: string }).thread_id;
}

beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({ database, env: { NESTGRAPH_BODY_LIMIT_MB: '1' } });
});

afterAll(async () => {
  await server?.stop();
  await killLeftovers();
  await database?.drop();
});

describe('a request body', () => {
  const raw = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    send(`${server.url}/threads`, { method: 'POST', body, headers });

  it.each([
    ['text that is no JSON', 'hello'],
    ['an object that does not end', '{"metadata": {'],
    ['a trailing comma', '{"metadata": {},}'],
    ['two values', '{} {}'],
  ])('is refused when it is %s', async (_name, body) => {
    const { status, json } = await raw(body, { 'content-type': 'application/json' });

    expect(status).toBe(422);
    expect(json).toEqual({ detail: expect.stringContaining('not valid JSON'), code: 'malformed_json' });
  });

  it.each([
    ['text/plain', { 'content-type': 'text/plain;charset=UTF-8' }],
    ['an unknown type', { 'content-type': 'application/x-parrot' }],
    ['a form type', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }],
  ])('is read as JSON when it is sent as %s', async (_name, headers) => {
    const { status, json } = await raw('{"metadata": {"colour": "green"}}', headers);

    expect(status).toBe(200);
    expect(json).toMatchObject({ metadata: { colour: 'green' } });
  });

  it('is read as JSON when it has no content type at all', async () => {
    // fetch sends no content type of its own for bytes.
    const body = new TextEncoder().encode('{"metadata": {"colour": "green"}}');
    const { status, json } = await send(`${server.url}/threads`, { method: 'POST', body });

    expect(status).toBe(200);
    expect(json).toMatchObject({ metadata: { colour: 'green' } });
  });

  it.each([
    ['nothing', undefined],
    ['nothing with a JSON type', ''],
    ['null', 'null'],
    ['blanks', ' \n'],
  ])('may be %s where every field is optional', async (_name, body) => {
    const { status } = await send(`${server.url}/threads/search`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });

    expect(status).toBe(200);
  });

  it.each([
    ['a list', '[1, 2]'],
    ['a string', '"hello"'],
    ['a number', '7'],
    ['true', 'true'],
  ])('is refused when it is %s', async (_name, body) => {
    const { status, json } = await raw(body);

    expect(status).toBe(422);
    expect(json).toMatchObject({ code: 'validation_failed' });
  });

  it('may have unknown fields', async () => {
    const { status, json } = await post('/threads', { metadata: { a: 1 }, from_the_future: { x: [1] }, ifExists: 3 });

    expect(status).toBe(200);
    expect(json).toMatchObject({ metadata: { a: 1 } });
    expect(json).not.toHaveProperty('from_the_future');
  });

  it.each([
    '{"__proto__": {"polluted": true}}',
    '{"metadata": {"__proto__": {"polluted": true}}}',
    '{"metadata": {"a": [{"__proto__": 1}]}}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '{"metadata": {"\\u005f_proto__": {"polluted": true}}}',
  ])('is rejected if it could poison a prototype: %s', async (body) => {
    const { status, json } = await raw(body);

    expect(status).toBe(422);
    expect(json).toMatchObject({ code: 'malformed_json' });
  });

  it('larger than the limit is rejected with 413', async () => {
    const { status, json } = await post('/threads', { metadata: { big: 'x'.repeat(1024 * 1024) } });

    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'body_too_large', detail: expect.stringContaining('NESTGRAPH_BODY_LIMIT_MB') });
  });

  it('just below the limit is accepted', async () => {
    const { status } = await post('/threads', { metadata: { big: 'x'.repeat(1024 * 1024 - 100) } });

    expect(status).toBe(200);
  });
});

describe('a path', () => {
  it.each([
    ['GET', '/nowhere'],
    ['POST', '/threads/search/more'],
    ['GET', '/'],
    ['PUT', '/info'],
    ['GET', '/constructor'],
  ])('that does not exist is a 404 with a JSON body: %s %s', async (method, path) => {
    const { status, json, headers } = await send(server.url + path, { method });

    expect(status).toBe(404);
    expect(headers.get('content-type')).toContain('application/json');
    expect(json).toEqual({ detail: expect.stringContaining(path), code: 'not_found' });
  });

  it.each([
    ['GET', '/threads/tuesday', 'thread_id'],
    ['GET', '/threads/tuesday/state', 'thread_id'],
    ['PATCH', '/threads/tuesday', 'thread_id'],
    ['DELETE', '/threads/tuesday', 'thread_id'],
    ['POST', '/threads/tuesday/history', 'thread_id'],
    ['POST', '/threads/tuesday/runs/stream', 'thread_id'],
    ['GET', `/threads/${randomUUID()}/runs/monday`, 'run_id'],
    ['GET', '/runs/monday/join', 'run_id'],
    ['GET', '/runs/monday/stream', 'run_id'],
    ['POST', `/threads/${randomUUID()}/runs/monday/cancel`, 'run_id'],
  ])('with an id that is not a UUID is rejected: %s %s', async (method, path, field) => {
    const body = method === 'POST' ? '{"assistant_id": "echo"}' : undefined;
    const { status, json } = await send(server.url + path, { method, body });

    expect(status).toBe(422);
    expect(json).toMatchObject({ code: 'validation_failed', errors: [{ path: field, message: 'must be a UUID' }] });
    expect((json as Refusal).detail).toContain(field);
  });

  it.each([
    ['GET', '/threads/%ff'],
    ['GET', '/assistants/%E0%A4%A'],
    ['GET', '/assistants/%00'],
    ['GET', `/threads/${randomUUID()}/state/%00`],
  ])('with invalid escapes is rejected, without a server error: %s %s', async (method, path) => {
    const { status, json } = await send(server.url + path, { method });

    expect([400, 404, 422]).toContain(status);
    expect(json).toMatchObject({ detail: expect.any(String), code: expect.any(String) });
  });

  it.each([
    ['GET', '/assistants/parrot', 'assistant_not_found'],
    ['GET', `/assistants/${randomUUID()}`, 'assistant_not_found'],
    ['GET', `/threads/${randomUUID()}`, 'thread_not_found'],
    ['GET', `/threads/${randomUUID()}/state`, 'thread_not_found'],
    ['GET', `/threads/${randomUUID()}/runs`, 'thread_not_found'],
    ['GET', `/runs/${randomUUID()}/join`, 'run_not_found'],
    ['GET', `/runs/${randomUUID()}/stream`, 'run_not_found'],
    ['GET', `/threads/${randomUUID()}/runs/${randomUUID()}`, 'run_not_found'],
  ])('to a missing resource is a 404 with its own code: %s %s', async (method, path, code) => {
    const { status, json } = await send(server.url + path, { method });

    expect(status).toBe(404);
    expect(json).toMatchObject({ code, detail: expect.any(String) });
  });
});

describe('a field of the wrong type', () => {
  const RUN = { assistant_id: 'echo', input: MESSAGES };

  it.each<[string, object, string]>([
    ['/threads', { thread_id: 'tuesday' }, 'thread_id'],
    ['/threads', { metadata: [] }, 'metadata'],
    ['/threads', { metadata: 'green' }, 'metadata'],
    ['/threads', { if_exists: 'replace' }, 'if_exists'],
    ['/threads/search', { limit: 'ten' }, 'limit'],
    ['/threads/search', { limit: 0 }, 'limit'],
    ['/threads/search', { limit: 1001 }, 'limit'],
    ['/threads/search', { limit: 1.5 }, 'limit'],
    ['/threads/search', { offset: -1 }, 'offset'],
    ['/threads/search', { status: 'sleeping' }, 'status'],
    ['/threads/search', { ids: ['tuesday'] }, 'ids'],
    ['/threads/search', { sort_by: 'colour' }, 'sort_by'],
    ['/threads/search', { sort_by: 'created_at; DROP TABLE threads' }, 'sort_by'],
    ['/threads/search', { sort_by: ['created_at'] }, 'sort_by'],
    ['/threads/search', { sort_order: 'sideways' }, 'sort_order'],
    ['/threads/search', { select: ['colour'] }, 'select'],
    ['/threads/search', { select: 'thread_id' }, 'select'],
    ['/assistants', { graph_id: 7 }, 'graph_id'],
    ['/assistants', { graph_id: 'echo', name: { first: 'Polly' } }, 'name'],
    ['/assistants', { graph_id: 'echo', config: 'fast' }, 'config'],
    ['/assistants/echo/latest', {}, 'version'],
    ['/assistants/echo/latest', { version: '1' }, 'version'],
    ['/assistants/echo/latest', { version: 3_000_000_000 }, 'version'],
    ['/runs/wait', {}, 'assistant_id'],
    ['/runs/wait', { ...RUN, assistant_id: 7 }, 'assistant_id'],
    ['/runs/wait', { ...RUN, assistant_id: null }, 'assistant_id'],
    ['/runs/wait', { ...RUN, config: { configurable: 'x' } }, 'config.configurable'],
    ['/runs/wait', { ...RUN, config: { configurable: [] } }, 'config.configurable'],
    ['/runs/wait', { ...RUN, config: { recursion_limit: 'many' } }, 'config.recursion_limit'],
    ['/runs/wait', { ...RUN, config: { recursion_limit: -1 } }, 'config.recursion_limit'],
    ['/runs/wait', { ...RUN, config: { tags: 'green' } }, 'config.tags'],
    ['/runs/wait', { ...RUN, config: { tags: [1] } }, 'config.tags'],
    ['/runs/wait', { ...RUN, config: 7 }, 'config'],
    ['/runs/wait', { ...RUN, context: [] }, 'context'],
    ['/runs/wait', { ...RUN, metadata: 'x' }, 'metadata'],
    ['/runs/wait', { ...RUN, command: 'resume' }, 'command'],
    ['/runs/wait', { ...RUN, command: { goto: 7 } }, 'command'],
    ['/runs/wait', { ...RUN, command: { goto: [{ input: {} }] } }, 'command'],
    ['/runs/wait', { ...RUN, stream_mode: 'everything' }, 'stream_mode'],
    ['/runs/wait', { ...RUN, stream_mode: ['values', 7] }, 'stream_mode'],
    ['/runs/wait', { ...RUN, stream_subgraphs: 'yes' }, 'stream_subgraphs'],
    ['/runs/wait', { ...RUN, stream_resumable: 1 }, 'stream_resumable'],
    ['/runs/wait', { ...RUN, interrupt_before: 'echo' }, 'interrupt_before'],
    ['/runs/wait', { ...RUN, interrupt_after: [1] }, 'interrupt_after'],
    ['/runs/wait', { ...RUN, durability: 'maybe' }, 'durability'],
    ['/runs/wait', { ...RUN, on_disconnect: 'panic' }, 'on_disconnect'],
    ['/runs', { ...RUN, feedback_keys: 'helpful' }, 'feedback_keys'],
    ['/runs', { ...RUN, langsmith_tracer: { example_id: 'first' } }, 'langsmith_tracer.example_id'],
    ['/runs', { ...RUN, strict_resume: 'yes' }, 'strict_resume'],
    ['/runs/wait', { ...RUN, multitask_strategy: 'all' }, 'multitask_strategy'],
  ])('is rejected with its path: %s %j', async (path, body, field) => {
    const { status, json } = await post(path, body);

    expect(status).toBe(422);
    const { code, errors, detail } = json as Refusal;
    expect(code).toBe('validation_failed');
    expect(errors?.map((error) => error.path)).toContain(field);
    expect(detail).toContain(field);
  });

  it.each<[string, object, string]>([
    ['runs/wait', { ...RUN, if_not_exists: 'perhaps' }, 'if_not_exists'],
    ['runs/wait', { ...RUN, checkpoint: 'x' }, 'checkpoint'],
    ['runs/wait', { ...RUN, checkpoint: { checkpoint_id: 7 } }, 'checkpoint.checkpoint_id'],
    ['runs/wait', { ...RUN, checkpoint: { checkpoint_map: 'x' } }, 'checkpoint.checkpoint_map'],
    ['state/checkpoint', { checkpoint: { checkpoint_ns: {} } }, 'checkpoint.checkpoint_ns'],
    ['state/checkpoint', { subgraphs: 'perhaps' }, 'subgraphs'],
    ['state', { as_node: 7 }, 'as_node'],
    ['history', { limit: 'all' }, 'limit'],
    ['history', { before: 7 }, 'before'],
    ['history', { checkpoint: [] }, 'checkpoint'],
  ])('is rejected with its path on a thread: %s %j', async (path, body, field) => {
    const { status, json } = await post(`/threads/${await newThread()}/${path}`, body);

    expect(status).toBe(422);
    expect((json as Refusal).errors?.map((error) => error.path)).toContain(field);
  });

  const many = (count: number, item: unknown = 'a'): unknown[] => Array<unknown>(count).fill(item);

  it.each<[string, object, string]>([
    ['/threads/search', { ids: many(10_001, randomUUID()) }, 'ids'],
    ['/threads/search', { select: many(1_001, 'values') }, 'select'],
    ['/threads/prune', { thread_ids: many(10_001, randomUUID()) }, 'thread_ids'],
    ['/threads', { metadata: { graph_id: 'steps' }, supersteps: many(10_001, { updates: [] }) }, 'supersteps'],
    ['/assistants/search', { select: many(1_001, 'name') }, 'select'],
    ['/runs/cancel', { thread_id: randomUUID(), run_ids: many(10_001, randomUUID()) }, 'run_ids'],
    ['/runs/wait', { ...RUN, stream_mode: many(101, 'values') }, 'stream_mode'],
    ['/runs/wait', { ...RUN, interrupt_before: many(10_001) }, 'interrupt_before'],
    ['/runs/wait', { ...RUN, interrupt_after: ['x'.repeat(10_001)] }, 'interrupt_after'],
    ['/runs/wait', { ...RUN, config: { tags: many(10_001) } }, 'config.tags'],
    ['/runs/wait', { ...RUN, config: { tags: ['x'.repeat(10_001)] } }, 'config.tags'],
    ['/runs/wait', { ...RUN, command: { goto: many(10_001) } }, 'command'],
    ['/runs/wait', { ...RUN, command: { update: many(10_001, ['a', 1]) } }, 'command'],
    ['/runs/wait', { ...RUN, feedback_keys: many(101) }, 'feedback_keys'],
    ['/runs/batch', many(1_001, RUN), ''],
    ['/threads/THREAD/state', { values: many(10_001, { a: 1 }) }, 'values'],
    ['/threads/THREAD/state/checkpoint', { select: many(1_001, 'values') }, 'select'],
    ['/threads/THREAD/history', { select: many(1_001, 'values') }, 'select'],
  ])('may also be a list that is too long: %s', async (path, body, field) => {
    const { status, json } = await post(path.replace('THREAD', await newThread()), body);

    expect(status).toBe(422);
    expect((json as Refusal).errors?.map((error) => error.path)).toContain(field);
  });

  it('does not hide the others: all problems are reported at once', async () => {
    const { json } = await post('/threads/search', { limit: 'ten', offset: -1, status: 'sleeping' });

    expect(new Set((json as Refusal).errors?.map((error) => error.path))).toEqual(
      new Set(['limit', 'offset', 'status']),
    );
  });

  it.each([
    ['limit=ten', 'limit'],
    ['limit=0', 'limit'],
    ['offset=-1', 'offset'],
    ['status=sleeping', 'status'],
    ['select=colour', 'select'],
    ['limit=1&limit=2', 'limit'],
  ])('is rejected in a query: %s', async (query, field) => {
    const { status, json } = await get(`/threads/${await newThread()}/runs?${query}`);

    expect(status).toBe(422);
    expect((json as Refusal).errors?.map((error) => error.path)).toContain(field);
  });
});

describe('query parameters', () => {
  let thread_id: string;

  beforeAll(async () => {
    thread_id = await newThread();
    await post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'nested', input: {} });
  });

  /** The effect of `subgraphs`: the state of the task's subgraph, or only a reference to it. */
  async function hasSubgraphState(query: string): Promise<boolean> {
    const { json } = await get(`/threads/${thread_id}/state${query}`);
    const [task] = (json as { tasks: { state?: { values?: unknown } | null }[] }).tasks;
    return task?.state?.values !== undefined;
  }

  it.each(['true', 'True', 'TRUE', '1', 'yes', 'Yes', 'YES'])('understand %s as true', async (text) => {
    expect(await hasSubgraphState(`?subgraphs=${text}`)).toBe(true);
  });

  it.each([
    '?subgraphs=false',
    '?subgraphs=False',
    '?subgraphs=0',
    '?subgraphs=no',
    '?subgraphs=NO',
    '?subgraphs=',
    '',
  ])('understand "%s" as false', async (query) => {
    expect(await hasSubgraphState(query)).toBe(false);
  });

  it.each(['maybe', '2', 'on', 'null'])('reject %s as a boolean', async (text) => {
    const { status, json } = await get(`/threads/${thread_id}/state?subgraphs=${text}`);

    expect(status).toBe(422);
    expect((json as Refusal).errors).toEqual([{ path: 'subgraphs', message: expect.any(String) }]);
  });

  it.each([
    ['repeated keys', 'select=run_id&select=status'],
    ['one JSON list', `select=${encodeURIComponent('["run_id","status"]')}`],
    ['commas', 'select=run_id,status'],
    ['commas and blanks', 'select=run_id,%20status'],
    ['a mixture', `select=run_id&select=${encodeURIComponent('["status"]')}`],
  ])('accept a list as %s', async (_name, query) => {
    const { status, json } = await get(`/threads/${thread_id}/runs?${query}`);

    expect(status).toBe(200);
    expect(json).toEqual([{ run_id: expect.any(String), status: 'success' }]);
  });

  it('may be empty, which counts as absent', async () => {
    const { status, json } = await get(`/threads/${thread_id}/runs?limit=&offset=&status=&select=`);

    expect(status).toBe(200);
    expect(json).toMatchObject([{ thread_id }]);
  });

  it.each(['', '-1', '-', 'xyz', '%00'])(
    'of a stream join may be unusual: empty stream_mode, last id "%s"',
    async (id) => {
      const { json } = await get(`/threads/${thread_id}/runs`);
      const [{ run_id }] = json as [{ run_id: string }];
      const { status } = await get(`/threads/${thread_id}/runs/${run_id}/stream?stream_mode=`, { 'last-event-id': id });

      expect(status).toBe(200);
    },
  );
});

describe('an unknown assistant', () => {
  it.each(['/runs/stream', '/runs/wait', '/runs'])('is a 404 before anything begins: %s', async (path) => {
    const { status, headers, json } = await post(path, { assistant_id: 'parrot', input: MESSAGES });

    expect(status).toBe(404);
    expect(headers.get('content-type')).toContain('application/json');
    expect(headers.get('location')).toBeNull();
    expect(headers.get('content-location')).toBeNull();
    expect(json).toMatchObject({ code: 'assistant_not_found', detail: expect.stringContaining('parrot') });
  });

  it.each(['runs/stream', 'runs/wait', 'runs'])('is a 404 on a thread, which is not created: %s', async (path) => {
    const thread_id = randomUUID();
    const body = { assistant_id: randomUUID(), input: MESSAGES, if_not_exists: 'create' };
    const { status, json } = await post(`/threads/${thread_id}/${path}`, body);

    expect(status).toBe(404);
    expect(json).toMatchObject({ code: 'assistant_not_found' });
    expect((await get(`/threads/${thread_id}`)).status).toBe(404);
  });
});

describe('a rejected request', () => {
  const TABLES = ['assistants', 'assistant_versions', 'threads', 'runs', 'webhook_deliveries', 'checkpoints'];

  /** Every row of every table. */
  async function everything(): Promise<Record<string, string[]>> {
    const rows = await Promise.all(
      TABLES.map(async (table) => {
        const result = await database.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
        return [table, result.rows.map(({ row }) => row)] as const;
      }),
    );
    return Object.fromEntries(rows);
  }

  it('changes nothing', async () => {
    const thread_id = await newThread();
    await post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'steps', input: {} });
    const assistant_id = randomUUID();
    await post('/assistants', { assistant_id, graph_id: 'echo' });
    const run = { assistant_id: 'echo', input: MESSAGES };
    const before = await everything();

    const refusals = await Promise.all([
      post('/threads', { thread_id }),
      post('/threads', { thread_id: randomUUID(), metadata: 'x' }),
      post('/threads', { ttl: { ttl: -5 } }),
      post('/threads', { metadata: { graph_id: 'steps' }, supersteps: [{ updates: [{ as_node: 'nowhere' }] }] }),
      post(`/threads/${thread_id}`, { metadata: { a: 1 }, ttl: 'soon' }, { method: 'PATCH' }),
      post(`/threads/${thread_id}/state`, { metadata: 7 }, { method: 'PATCH' }),
      post('/threads/prune', { thread_ids: [thread_id, randomUUID()] }),
      post('/threads/search', { extract: { a: 'kwargs' } }),
      post(`/threads/${randomUUID()}/copy`, {}),
      post('/assistants', { graph_id: 'parrot' }),
      post('/assistants', { assistant_id, graph_id: 'echo' }),
      post('/assistants', { graph_id: 'echo', metadata: [] }),
      post(`/assistants/${assistant_id}`, { graph_id: 'parrot' }, { method: 'PATCH' }),
      post(`/assistants/${assistant_id}`, { metadata: { a: 1 }, config: 7 }, { method: 'PATCH' }),
      post(`/assistants/${assistant_id}/latest`, { version: 9 }),
      send(`${server.url}/assistants/echo`, { method: 'DELETE' }),
      post(`/threads/${thread_id}`, { metadata: 7 }, { method: 'PATCH' }),
      post(`/threads/${thread_id}/state`, { values: { path: ['x'] }, as_node: 'nowhere' }),
      post(`/threads/${thread_id}/state`, { values: { path: ['x'] }, as_node: 7 }),
      post(`/threads/${thread_id}/runs`, { ...run, webhook: 'ftp://example.com' }),
      post(`/threads/${thread_id}/runs`, { ...run, feedback_keys: ['helpful'] }),
      post(`/threads/${thread_id}/runs/wait`, { ...run, langsmith_tracer: { project_name: 'p' } }),
      post(`/threads/${thread_id}/runs`, { ...run, after_seconds: -5 }),
      post('/runs/batch', [run, { ...run, webhook: 'http://10.0.0.1' }]),
      post('/runs/batch', [run, { ...run, thread_id: randomUUID() }]),
      post('/runs/batch', []),
      post('/runs/batch', run),
      post(`/threads/${thread_id}/runs`, { ...run, multitask_strategy: 'push' }),
      post(`/threads/${thread_id}/runs/wait`, { ...run, stream_mode: 'everything' }),
      post(`/threads/${thread_id}/runs/stream`, { ...run, assistant_id: 'parrot' }),
      post('/runs/stream', { ...run, config: { configurable: 7 } }),
      post('/runs/wait', { ...run, assistant_id: 'parrot' }),
      post('/runs', { ...run, webhook: 'http://169.254.169.254/' }),
      post('/runs', { ...run, metadata: { big: 'x'.repeat(1024 * 1024) } }),
      post(`/threads/${randomUUID()}/runs`, run),
      post(`/threads/${randomUUID()}/runs/wait`, { ...run, if_not_exists: 'create', durability: 'maybe' }),
    ]);

    expect(refusals.map(({ status }) => status).filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect(await everything()).toEqual(before);
  });
});

describe('x-request-id', () => {
  const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  it.each([
    ['/ok', 200],
    ['/nowhere', 404],
    ['/threads/tuesday', 422],
    ['/openapi.json', 200],
  ])('is on every response: %s', async (path, status) => {
    const answer = await get(path);

    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toMatch(UUID);
  });

  it('is different for each request', async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => (await get('/ok')).headers.get('x-request-id')));

    expect(new Set(ids).size).toBe(3);
  });

  it('is on malformed requests and on streams', async () => {
    const malformed = await send(`${server.url}/threads`, { method: 'POST', body: '{' });
    const stream = await post('/runs/stream', { assistant_id: 'echo', input: MESSAGES });
    const wait = await post('/runs/wait', { assistant_id: 'echo', input: MESSAGES });

    for (const { headers } of [malformed, stream, wait]) {
      expect(headers.get('x-request-id')).toMatch(UUID);
    }
  });

  it.each(['my-id', 'trace:1.2_3', 'a'.repeat(128)])('sent by the caller is kept: %s', async (id) => {
    expect((await get('/nowhere', { 'x-request-id': id })).headers.get('x-request-id')).toBe(id);
  });

  it.each(['a'.repeat(129), '<script>', 'two words', '{"a":1}', 'ümlaut', '../../etc'])(
    'that could do harm in a log is replaced: %s',
    async (id) => {
      expect((await get('/ok', { 'x-request-id': id })).headers.get('x-request-id')).toMatch(UUID);
    },
  );
});

describe('CORS', () => {
  const EXPOSED = ['content-location', 'location', 'x-pagination-total', 'x-pagination-next', 'x-request-id'];
  const origin = 'http://localhost:3000';

  const listOf = (headers: Headers, name: string): string[] =>
    (headers.get(name) ?? '')
      .toLowerCase()
      .split(',')
      .map((item) => item.trim());

  it('allows pages of this machine, including errors and streams', async () => {
    const answers = await Promise.all([
      get('/info', { origin }),
      get('/nowhere', { origin }),
      get('/threads/tuesday', { origin }),
      send(`${server.url}/threads`, { method: 'POST', body: '{', headers: { origin } }),
      post('/threads', { metadata: { big: 'x'.repeat(1024 * 1024) } }, { headers: { origin } }),
      post('/threads/search', {}, { headers: { origin } }),
      post('/runs/stream', { assistant_id: 'echo', input: MESSAGES }, { headers: { origin } }),
      post('/runs/wait', { assistant_id: 'echo', input: MESSAGES }, { headers: { origin } }),
    ]);

    for (const { headers } of answers) {
      expect(['*', origin]).toContain(headers.get('access-control-allow-origin'));
      expect(listOf(headers, 'access-control-expose-headers')).toEqual(expect.arrayContaining(EXPOSED));
    }
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('answers the preflight of %s', async (method) => {
    const asked = ['content-type', 'x-api-key', 'last-event-id', 'prefer', 'authorization'];
    const { status, headers } = await send(`${server.url}/threads/${randomUUID()}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': asked.join(','),
      },
    });

    expect(status).toBe(204);
    expect(['*', origin]).toContain(headers.get('access-control-allow-origin'));
    expect(listOf(headers, 'access-control-allow-methods')).toContain(method.toLowerCase());
    expect(listOf(headers, 'access-control-allow-headers')).toEqual(expect.arrayContaining(asked));
    expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
  });

  describe('of langgraph.json', () => {
    let project: Project;

    async function serve(cors: object): Promise<TestServer> {
      const graphs = { echo: './echo.ts:graph' };
      await project.write('langgraph.json', { graphs, http: { cors } });
      // `dev` allows other origins besides: foreign-pages.spec.ts.
      return project.start({ database, command: 'start' });
    }

    const originOf = async (url: string, from: string): Promise<Headers> =>
      (await send(`${url}/info`, { headers: { origin: from } })).headers;

    beforeAll(async () => {
      project = await createProject({ graphs: ['echo.ts'] });
    });
    afterAll(async () => {
      await project?.remove();
    });

    it('configures origins, credentials, headers and max age', async () => {
      const custom = await serve({
        allow_origins: ['https://ours.example'],
        allow_credentials: true,
        allow_methods: ['GET', 'POST'],
        allow_headers: ['content-type', 'x-ours'],
        expose_headers: ['x-extra'],
        max_age: 17,
      });
      try {
        const ours = await originOf(custom.url, 'https://ours.example');
        const theirs = await originOf(custom.url, 'https://theirs.example');
        const preflight = await send(`${custom.url}/threads`, {
          method: 'OPTIONS',
          headers: { origin: 'https://ours.example', 'access-control-request-method': 'POST' },
        });

        expect(ours.get('access-control-allow-origin')).toBe('https://ours.example');
        expect(ours.get('access-control-allow-credentials')).toBe('true');
        expect(listOf(ours, 'access-control-expose-headers')).toEqual(expect.arrayContaining([...EXPOSED, 'x-extra']));
        expect(['https://theirs.example', '*']).not.toContain(theirs.get('access-control-allow-origin'));
        expect(listOf(preflight.headers, 'access-control-allow-methods')).toEqual(['get', 'post']);
        expect(listOf(preflight.headers, 'access-control-allow-headers')).toEqual(['content-type', 'x-ours']);
        expect(preflight.headers.get('access-control-max-age')).toBe('17');
      } finally {
        await custom.stop();
      }
    });

    it('may be a regular expression, which must match the complete origin', async () => {
      const custom = await serve({ allow_origin_regex: 'https://\\w+\\.ours\\.example' });
      try {
        const allowed = async (from: string): Promise<boolean> =>
          ['*', from].includes((await originOf(custom.url, from)).get('access-control-allow-origin') ?? '');

        expect(await allowed('https://app.ours.example')).toBe(true);
        expect(await allowed('https://app.ours.example.evil.example')).toBe(false);
        expect(await allowed('https://evil.example')).toBe(false);
      } finally {
        await custom.stop();
      }
    });

    it('returns the origin if credentials are allowed for all', async () => {
      const custom = await serve({ allow_credentials: true });
      try {
        const headers = await originOf(custom.url, 'https://any.example');

        expect(headers.get('access-control-allow-origin')).toBe('https://any.example');
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect(listOf(headers, 'vary')).toContain('origin');
      } finally {
        await custom.stop();
      }
    });
  });
});

describe('/ok and /info', () => {
  it.each(['/ok', '/ok?check_db=0', '/ok?check_db=1', '/ok?check_db=true', '/ok?check_db='])('%s', async (path) => {
    const { status, json } = await get(path);

    expect(status).toBe(200);
    expect(json).toEqual({ ok: true });
  });

  it('/ok?check_db=perhaps is rejected', async () => {
    expect((await get('/ok?check_db=perhaps')).status).toBe(422);
  });

  it('/info returns the server information', async () => {
    const { status, json } = await get('/info');

    expect(status).toBe(200);
    expect(json).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      langgraph_js_version: expect.stringMatching(/^1\.\d+\.\d+/),
      context: 'js',
      flags: { assistants: true, langsmith: false, strict_resume: true },
      metadata: {},
    });
  });

  it('/ok stays healthy without the database, /ok?check_db=1 does not, and both are healthy when it is available again', async () => {
    const own = await createDatabase();
    const other = await startServer({ database: own });
    try {
      const name = new URL(own.uri.replace('@/', '@localhost/')).pathname.slice(1);
      const refuse = (allow: boolean): Promise<unknown> =>
        database.pool.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS ${allow}`);
      await refuse(false);
      await database.pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);

      expect(await send(`${other.url}/ok`)).toMatchObject({ status: 200, json: { ok: true } });
      expect(await send(`${other.url}/ok?check_db=1`)).toMatchObject({ status: 500, json: { ok: false } });
      const failed = await send(`${other.url}/threads/${randomUUID()}`);
      expect(failed).toMatchObject({ status: 503, json: { code: 'database_unavailable' } });

      await refuse(true);
      expect(await send(`${other.url}/ok?check_db=1`)).toMatchObject({ status: 200, json: { ok: true } });
      const answer = await sendJson(`${other.url}/runs/wait`, { assistant_id: 'echo', input: MESSAGES });
      expect(answer).toMatchObject({ status: 200, json: { messages: [{ content: 'Hello' }] } });
    } finally {
      await other.stop();
      await own.drop();
    }
  });
});

describe('a string that PostgreSQL cannot store', () => {
  const NUL = 'before\u0000after';
  const HALF = 'before\ud83dafter';

  describe.each([
    ['NUL', NUL],
    ['an unpaired surrogate', HALF],
  ])('%s', (_name, text) => {
    it.each<[string, string, object]>([
      ['metadata', '/threads', { metadata: { text } }],
      ['metadata', '/threads', { metadata: { [text]: 1 } }],
      ['metadata', '/threads/search', { metadata: { deep: [{ text }] } }],
      ['values', '/threads/search', { values: { text } }],
      ['name', '/assistants', { graph_id: 'echo', name: text }],
      ['metadata', '/runs/wait', { assistant_id: 'echo', metadata: { text } }],
      ['context', '/runs/wait', { assistant_id: 'echo', context: { text } }],
      ['config.tags', '/runs/wait', { assistant_id: 'echo', config: { tags: [text] } }],
      ['config.configurable', '/runs/wait', { assistant_id: 'echo', config: { configurable: { text } } }],
      ['config', '/runs/wait', { assistant_id: 'echo', config: { mine: text } }],
    ])('in %s is rejected: POST %s %j', async (path, route, body) => {
      const { status, json } = await post(route, body);

      expect(status).toBe(422);
      const errors: unknown = expect.arrayContaining([
        { path, message: 'must not contain NUL or unpaired surrogates' },
      ]);
      expect(json).toMatchObject({ errors });
    });

    it('in the input of a run is accepted', async () => {
      const thread_id = await newThread();
      const body = { assistant_id: 'echo', input: { messages: [{ role: 'user', content: text }] } };

      for (const path of [`/threads/${thread_id}/runs/wait`, '/runs/wait']) {
        const { status, json } = await post(path, body);
        expect(status).toBe(200);
        expect(json).toMatchObject({ messages: [{ content: expect.stringMatching(/^before.after$/u) }] });
      }
      expect(await get(`/threads/${thread_id}/state`)).toMatchObject({ status: 200, json: { next: [] } });
      expect(await get(`/threads/${thread_id}`)).toMatchObject({ status: 200, json: { status: 'idle' } });
      expect(await get(`/threads/${thread_id}/runs`)).toMatchObject({ status: 200, json: [{ status: 'success' }] });
    });
  });

  it('is kept unchanged in an input if it is NUL', async () => {
    const input = { messages: [{ role: 'user', content: NUL }] };
    const { json } = await post('/runs/wait', { assistant_id: 'echo', input });

    expect(json).toMatchObject({ messages: [{ content: NUL }] });
  });

  it.each<[string, string, object]>([
    ['an assistant', '/assistants', { graph_id: 'echo', name: NUL, description: NUL, metadata: { NUL } }],
    ['a search by name', '/assistants/search', { name: NUL }],
    ['a search by graph', '/assistants/search', { graph_id: NUL }],
    ['a count by name', '/assistants/count', { name: NUL }],
    ['a search by values', '/threads/search', { values: { NUL } }],
    ['the assistant of a run', '/runs/wait', { assistant_id: NUL }],
    [
      'the checkpoint of a run',
      '/runs/wait',
      { assistant_id: 'echo', config: { configurable: { checkpoint_id: NUL } } },
    ],
    ['the node of a command', '/runs/wait', { assistant_id: 'echo', command: { goto: NUL } }],
    ['half a pair in a name', '/assistants', { graph_id: 'echo', name: HALF }],
  ])('causes no server error in %s', async (_name, path, body) => {
    const { status } = await post(path, body);

    expect(status).toBeLessThan(500);
  });

  it.each<[string, object]>([
    ['state', { values: MESSAGES, as_node: NUL }],
    ['state', { values: MESSAGES, checkpoint_id: NUL }],
    ['state', { values: { messages: [{ role: 'user', content: NUL }] } }],
    ['state/checkpoint', { checkpoint: { checkpoint_id: NUL } }],
    ['state/checkpoint', { checkpoint: { checkpoint_ns: NUL } }],
    ['history', { before: NUL }],
    ['history', { metadata: { NUL } }],
    ['history', { checkpoint: { checkpoint_ns: NUL } }],
    ['runs/wait', { assistant_id: 'echo', input: null, checkpoint_id: NUL }],
  ])('causes no server error on a thread: %s %j', async (path, body) => {
    const thread_id = await newThread();
    await post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'echo', input: MESSAGES });
    const { status } = await post(`/threads/${thread_id}/${path}`, body);

    expect(status).toBeLessThan(500);
  });
});

describe('extreme values', () => {
  /** JSON of objects within objects; JSON.stringify itself would overflow. */
  const deep = (depth: number): string => `${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}`;

  it('may be nested a thousand levels deep, but no deeper', async () => {
    const metadata = (levels: number): string => `{"metadata": ${deep(levels - 2)}}`;
    const created = await send(`${server.url}/threads`, { method: 'POST', body: metadata(1_000) });
    const refused = await send(`${server.url}/threads`, { method: 'POST', body: metadata(1_001) });

    expect(created.status).toBe(200);
    expect(refused.status).toBe(422);
    expect(refused.json).toMatchObject({ code: 'nested_too_deeply' });
  });

  it('do not include brackets in a string', async () => {
    const { status } = await post('/threads', { metadata: { text: '[{"'.repeat(2_000) } });

    expect(status).toBe(200);
  });

  it.each<[string, string, string]>([
    ['a deep metadata', '/threads', `{"metadata": ${deep(3_000)}}`],
    ['a very deep metadata', '/threads', `{"metadata": ${deep(100_000)}}`],
    ['a very deep filter', '/threads/search', `{"metadata": ${deep(100_000)}}`],
    ['a very deep input', '/runs/wait', `{"assistant_id": "echo", "input": ${deep(100_000)}}`],
    ['a deep input', '/runs/wait', `{"assistant_id": "echo", "input": ${deep(3_000)}}`],
    ['the largest offset', '/threads/search', `{"offset": ${Number.MAX_SAFE_INTEGER}}`],
    ['an offset that is too large', '/threads/search', '{"offset": 1e300}'],
    ['an infinite offset', '/threads/search', '{"offset": 1e999}'],
    ['a name of 10,000 characters', '/assistants', `{"graph_id": "echo", "name": "${'x'.repeat(10_000)}"}`],
    ['a graph id of 10,000 characters', '/assistants', `{"graph_id": "${'x'.repeat(10_000)}"}`],
    ['a large number', '/threads', '{"metadata": {"number": 1e308}}'],
    ['a toString that is no function', '/assistants', '{"name": {"toString": 1}}'],
    [
      'a checkpoint with a toString that is no function',
      '/runs/wait',
      '{"assistant_id": "echo", "config": {"configurable": {"checkpoint_id": {"toString": 1}}}}',
    ],
    ['a parameter named __proto__', '/threads/count?__proto__=1', '{}'],
    ['a list with a toString that is no function', '/runs/cancel?action=[{"toString":1}]', '{}'],
    ['a pattern as a name', '/assistants/search', '{"name": "%_\\\\"}'],
  ])('cause no server error: %s', async (_name, path, body) => {
    const { status } = await send(server.url + path, { method: 'POST', body });

    expect(status).toBeLessThan(500);
  });
});

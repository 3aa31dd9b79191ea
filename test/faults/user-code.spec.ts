import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Answer, send, sendJson } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

/** Concurrent requests that user code delays. */
const SLOW = 10;

describe('slow user code', () => {
  let gates: string;
  let database: TestDatabase;
  let server: TestServer;

  beforeAll(async () => {
    gates = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-gates-'));
    database = await createDatabase();
    // With one connection, user code that holds it blocks everything.
    const env = { GATES: gates, NESTGRAPH_DATABASE_POOL_SIZE: '1' };
    server = await startServer({ database, project: path.resolve(import.meta.dirname, 'slow'), env });
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
    rmSync(gates, { recursive: true });
  });

  const close = (gate: string): void => writeFileSync(path.join(gates, `${gate}.closed`), '');
  const open = (gate: string): void => rmSync(path.join(gates, `${gate}.closed`));
  const waiting = (gate: string): number => {
    const file = path.join(gates, `${gate}.waiting`);
    return existsSync(file) ? readFileSync(file, 'utf8').length : 0;
  };
  const untilWaiting = (gate: string, count: number): Promise<number> =>
    askUntil(
      () => Promise.resolve(waiting(gate)),
      (now) => now >= count,
    );

  const as = (user: string) => ({ headers: { authorization: `Bearer ${user}` } });
  const post = (route: string, body: unknown, user = 'quick'): Promise<Answer> =>
    sendJson(`${server.url}${route}`, body, as(user));
  const get = (route: string, user = 'quick'): Promise<Answer> => send(`${server.url}${route}`, as(user));

  async function newThread(graph_id = 'quick'): Promise<string> {
    const { json } = await post('/threads', { metadata: { graph_id } });
    return (json as { thread_id: string }).thread_id;
  }

  const update = (thread_id: string, note: string, as_node = 'work'): Promise<Answer> =>
    post(`/threads/${thread_id}/state`, { values: { thread_id, notes: [note] }, as_node });

  const notesOf = async (thread_id: string): Promise<unknown> =>
    ((await get(`/threads/${thread_id}/state`)).json as { values: { notes: unknown } }).values.notes;

  /** Concurrent requests of other users. */
  async function normalTraffic(): Promise<void> {
    const thread_id = await newThread();
    expect(await update(thread_id, 'before')).toMatchObject({ status: 200 });
    const run = await post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'quick', input: {} });
    expect(run).toMatchObject({ status: 200, json: { notes: ['before', 'worked'] } });
    expect(await post(`/threads/${thread_id}/copy`, {})).toMatchObject({ status: 200 });
    const item = { namespace: ['notes'], key: thread_id, value: { text: 'short' } };
    expect(await sendJson(`${server.url}/store/items`, item, { ...as('quick'), method: 'PUT' })).toMatchObject({
      status: 204,
    });
    expect(await get('/ok?check_db=1')).toMatchObject({ status: 200 });
  }

  const withSupersteps = (graph_id: string): Promise<Answer> =>
    post('/threads', {
      metadata: { graph_id },
      supersteps: [{ updates: [{ values: { notes: ['slow'] }, as_node: 'work' }] }],
    });

  /** Each sends `SLOW` requests that wait for the gate. */
  const SLOW_REQUESTS: [what: string, gate: string, request: () => Promise<Answer>][] = [
    ['a factory, for a change of a state', 'factory', async () => update(await newThread('factory'), 'x')],
    ['a factory, for a state', 'factory', async () => get(`/threads/${await newThread('factory')}/state`)],
    ['a factory, for a history', 'factory', async () => post(`/threads/${await newThread('factory')}/history`, {})],
    ['a factory, for a thread with supersteps', 'factory', () => withSupersteps('factory')],
    ['a router, for a change of a state', 'router', async () => update(await newThread(), 'slow')],
    ['a router, for a thread with supersteps', 'router', () => withSupersteps('quick')],
    ['authentication', 'authenticate', () => get('/ok-for-me', 'slow-to-authenticate')],
    [
      'a handler, for a run',
      'authorize',
      async () => post(`/threads/${await newThread()}/runs`, { assistant_id: 'quick' }, 'slow-to-authorize'),
    ],
    [
      'a handler, for a batch of runs',
      'authorize',
      () => post('/runs/batch', [{ assistant_id: 'quick' }], 'slow-to-authorize'),
    ],
    [
      'a handler, for a cron',
      'authorize',
      () => post('/runs/crons', { assistant_id: 'quick', schedule: '0 0 1 1 *' }, 'slow-to-authorize'),
    ],
    [
      'embeddings, for an item',
      'embed',
      () =>
        sendJson(
          `${server.url}/store/items`,
          { namespace: ['slow'], key: randomUUID(), value: { text: 'slow' } },
          { ...as('quick'), method: 'PUT' },
        ),
    ],
    [
      'embeddings, for a search',
      'embed',
      () => post('/store/items/search', { namespace_prefix: ['slow'], query: 'slow' }),
    ],
    ['an app', 'app', () => get('/slow')],
  ];

  it.each(SLOW_REQUESTS)('holds no connection: %s', async (_what, gate, request) => {
    close(gate);
    const before = waiting(gate);
    const answers = Array.from({ length: SLOW }, request);
    await untilWaiting(gate, before + SLOW);
    await normalTraffic();
    open(gate);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });

  it('does not lock the thread: the update applies to the state that a concurrent run has written', async () => {
    const thread_id = await newThread();
    close('router');
    const before = waiting('router');
    const changed = update(thread_id, 'slow');
    await untilWaiting('router', before + 1);
    const run = await post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'quick', input: { notes: ['first'] } });
    expect(run).toMatchObject({ status: 200, json: { notes: ['first', 'worked'] } });
    open('router');
    expect(await changed).toMatchObject({ status: 200 });
    expect(await notesOf(thread_id)).toEqual(['first', 'worked', 'slow']);
  });

  it('loses none of several concurrent updates', async () => {
    const thread_id = await newThread();
    const answers = await Promise.all(['a', 'b', 'c'].map((note) => update(thread_id, note)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(((await notesOf(thread_id)) as string[]).sort()).toEqual(['a', 'b', 'c']);
  });

  it('rejects an update if a run has started meanwhile, and does not affect the run', async () => {
    const thread_id = await newThread();
    close('router');
    close('run');
    const [updates, runs] = [waiting('router'), waiting('run')];
    const changed = update(thread_id, 'slow');
    await untilWaiting('router', updates + 1);
    const run = post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'quick', input: { notes: ['held'] } });
    await untilWaiting('run', runs + 1);
    open('router');
    expect(await changed).toMatchObject({ status: 409, json: { code: 'thread_busy' } });
    open('run');
    expect(await run).toMatchObject({ status: 200, json: { notes: ['held', 'worked'] } });
  });

  it('rejects an update, and writes nothing, if the thread changes during each computation of its new state', async () => {
    const thread_id = await newThread();
    await update(thread_id, 'kept');
    const attempts = waiting('meddler');
    close('meddler');
    const changed = update(thread_id, 'lost', 'meddle');
    await untilWaiting('meddler', attempts + 1);
    open('meddler');
    expect(await changed).toMatchObject({ status: 409, json: { code: 'thread_changed' } });
    expect(await notesOf(thread_id)).toEqual(['kept']);
    const { json } = await post(`/threads/${thread_id}/history`, {});
    expect(json).toHaveLength(1);
  });

  it('rejects a request after a timeout if an external transaction holds its row', async () => {
    const thread_id = await newThread();
    const session = await database.pool.connect();
    await session.query('BEGIN');
    await session.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
    const change = { ...as('quick'), method: 'PATCH' };
    expect(await sendJson(`${server.url}/threads/${thread_id}`, { metadata: {} }, change)).toMatchObject({
      status: 503,
      json: { code: 'lock_timeout' },
    });
    expect(await update(thread_id, 'x')).toMatchObject({ status: 503, json: { code: 'lock_timeout' } });
    await session.query('ROLLBACK');
    session.release();
    expect(await update(thread_id, 'x')).toMatchObject({ status: 200 });
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { serverForFile } from '../support/sdk.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const server = serverForFile({ project: path.join(ROOT, 'test/auth') });

/** What a request is about; all of it is alice's. */
interface Owned {
  thread_id: string;
  checkpoint_id: string;
  run_id: string;
  stateless_run_id: string;
  assistant_id: string;
  cron_id: string;
}

interface Row {
  /** How the owner is answered. */
  owner: number;
  /** Another user, who may do the same with things of their own. */
  other: number;
  /** A user who may change nothing, and has nothing. */
  reader: number;
  body?: (owned: Owned) => unknown;
  query?: string;
}

const INPUT = { assistant_id: 'steps', input: {} };
const SCHEDULE = { assistant_id: 'steps', schedule: '0 0 1 1 *' };
const ITEM = { namespace: ['alice', 'notes'], key: 'k' };

/** Everybody may do this with what they have, and finds nothing of others. */
const lists: Row = { owner: 200, other: 200, reader: 200, body: () => ({}) };
const reads: Row = { owner: 200, other: 404, reader: 404 };
const makes: Row = { owner: 200, other: 200, reader: 403 };
const changes: Row = { owner: 200, other: 404, reader: 403 };
const removes: Row = { owner: 204, other: 404, reader: 403 };
/** The handler of the store knows namespaces. */
const items: Row = { owner: 200, other: 403, reader: 403 };

/** One row for every route that is not for everybody. */
const ROUTES: Record<string, Row> = {
  'POST /assistants': { ...makes, body: () => ({ graph_id: 'steps' }) },
  'POST /assistants/search': lists,
  'POST /assistants/count': lists,
  'GET /assistants/{assistant_id}': reads,
  'PATCH /assistants/{assistant_id}': { ...changes, body: () => ({ name: 'new' }) },
  'DELETE /assistants/{assistant_id}': removes,
  'POST /assistants/{assistant_id}/versions': { ...reads, body: () => ({}) },
  'POST /assistants/{assistant_id}/latest': { ...changes, body: () => ({ version: 1 }) },
  'GET /assistants/{assistant_id}/graph': reads,
  'GET /assistants/{assistant_id}/schemas': reads,
  'GET /assistants/{assistant_id}/subgraphs': reads,
  'GET /assistants/{assistant_id}/subgraphs/{namespace}': reads,
  'POST /threads/prune': { ...changes, body: ({ thread_id }) => ({ thread_ids: [thread_id] }) },
  'POST /threads/{thread_id}/copy': { ...reads, body: () => undefined },
  'GET /threads/{thread_id}/storage': reads,
  'POST /threads': { ...makes, body: () => ({}) },
  'POST /threads/search': lists,
  'POST /threads/count': lists,
  'GET /threads/{thread_id}': reads,
  'PATCH /threads/{thread_id}': { ...changes, body: () => ({ metadata: {} }) },
  'DELETE /threads/{thread_id}': removes,
  'GET /threads/{thread_id}/stream': reads,
  'GET /threads/{thread_id}/state': reads,
  'POST /threads/{thread_id}/state': { ...changes, body: () => ({ values: { path: ['x'] } }) },
  'PATCH /threads/{thread_id}/state': { ...changes, owner: 204, body: () => ({ metadata: {} }) },
  'GET /threads/{thread_id}/state/{checkpoint_id}': reads,
  'POST /threads/{thread_id}/state/checkpoint': { ...reads, body: () => ({ checkpoint: {} }) },
  'POST /threads/{thread_id}/history': { ...reads, body: () => ({}) },
  'GET /threads/{thread_id}/history': reads,
  'POST /threads/{thread_id}/runs': { ...changes, body: () => INPUT },
  'GET /threads/{thread_id}/runs': reads,
  'POST /threads/{thread_id}/runs/stream': { ...changes, body: () => INPUT },
  'POST /threads/{thread_id}/runs/wait': { ...changes, body: () => INPUT },
  'GET /threads/{thread_id}/runs/{run_id}': reads,
  'DELETE /threads/{thread_id}/runs/{run_id}': removes,
  'POST /threads/{thread_id}/runs/{run_id}/cancel': { ...changes, owner: 202 },
  'GET /threads/{thread_id}/runs/{run_id}/join': reads,
  'GET /threads/{thread_id}/runs/{run_id}/stream': reads,
  'POST /runs': { ...makes, body: () => INPUT },
  'POST /runs/stream': { ...makes, body: () => INPUT },
  'POST /runs/wait': { ...makes, body: () => INPUT },
  'POST /runs/batch': { ...changes, body: ({ thread_id }) => [INPUT, { ...INPUT, thread_id }] },
  'POST /runs/cancel': {
    ...changes,
    // It has ended: there is nothing to cancel.
    owner: 404,
    body: ({ thread_id, run_id }) => ({ thread_id, run_ids: [run_id] }),
  },
  'GET /runs/{run_id}/join': reads,
  'GET /runs/{run_id}/stream': reads,
  'PUT /store/items': { ...items, owner: 204, body: () => ({ ...ITEM, value: {} }) },
  'GET /store/items': { ...items, query: '?namespace=alice.notes&key=k' },
  'DELETE /store/items': { ...items, owner: 204, body: () => ITEM },
  'POST /store/items/search': { ...items, body: () => ({ namespace_prefix: ['alice'] }) },
  'POST /store/namespaces': { ...items, body: () => ({ prefix: ['alice'] }) },
  'POST /threads/{thread_id}/runs/crons': { ...changes, body: () => SCHEDULE },
  'POST /runs/crons': { ...makes, body: () => SCHEDULE },
  'POST /runs/crons/search': lists,
  'POST /runs/crons/count': lists,
  'GET /runs/crons/{cron_id}': reads,
  'PATCH /runs/crons/{cron_id}': { ...changes, body: () => ({ enabled: false }) },
  'DELETE /runs/crons/{cron_id}': removes,
};

const PUBLIC = ['GET /ok', 'GET /info', 'GET /metrics'];

const { paths } = JSON.parse(readFileSync(path.join(ROOT, 'openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const documented = Object.entries(paths).flatMap(([route, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`),
);

it('every route has a row, and every row a route', () => {
  expect([...Object.keys(ROUTES), ...PUBLIC].sort()).toEqual([...documented].sort());
});

/** The status; what comes behind it is not read. */
async function ask(name: string | undefined, method: string, route: string, body?: unknown): Promise<number> {
  const leaving = new AbortController();
  const response = await fetch(`${server.url}${route}`, {
    method,
    headers: { 'content-type': 'application/json', ...(name && { authorization: `Bearer ${name}` }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: leaving.signal,
  });
  leaving.abort();
  return response.status;
}

async function made<T>(route: string, body: unknown, method = 'POST'): Promise<T> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer alice' };
  const response = await fetch(`${server.url}${route}`, { method, headers, body: JSON.stringify(body) });
  expect(response.status).toBeLessThan(300);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A new one of everything, for alice. */
async function own(): Promise<Owned> {
  const { thread_id } = await made<{ thread_id: string }>('/threads', {});
  await made(`/threads/${thread_id}/runs/wait`, INPUT);
  const [{ run_id }] = await made<{ run_id: string }[]>('/runs/batch', [{ ...INPUT, thread_id }]);
  const get = async <T>(route: string): Promise<T> => {
    const response = await fetch(`${server.url}${route}`, { headers: { authorization: 'Bearer alice' } });
    return (await response.json()) as T;
  };
  await get(`/threads/${thread_id}/runs/${run_id}/join`);
  const state = await get<{ checkpoint: { checkpoint_id: string } }>(`/threads/${thread_id}/state`);
  const stateless = await made<{ run_id: string }>('/runs', { ...INPUT, stream_resumable: true });
  await get(`/runs/${stateless.run_id}/join`);
  const { assistant_id } = await made<{ assistant_id: string }>('/assistants', { graph_id: 'steps' });
  const { cron_id } = await made<{ cron_id: string }>('/runs/crons', SCHEDULE);
  await made('/store/items', { ...ITEM, value: { a: 1 } }, 'PUT');
  const { checkpoint_id } = state.checkpoint;
  return { thread_id, checkpoint_id, run_id, stateless_run_id: stateless.run_id, assistant_id, cron_id };
}

const fill = (route: string, owned: Owned): string =>
  route
    .replace(/^\/runs\/\{run_id\}/, `/runs/${owned.stateless_run_id}`)
    .replace('{namespace}', 'any')
    .replace(/\{(\w+)\}/g, (_, name: keyof Owned) => owned[name]);

describe.each(Object.entries(ROUTES))('%s', (name, { owner, other, reader, body, query = '' }) => {
  it('answers everybody as it should', async () => {
    const [method, route] = name.split(' ');
    const owned = await own();
    const request = [method, fill(route, owned) + query, body?.(owned)] as const;
    const answers = {
      nobody: await ask(undefined, ...request),
      stranger: await ask('mallory', ...request),
      other: await ask('bob', ...request),
      reader: await ask('reader', ...request),
      owner: await ask('alice', ...request),
    };
    expect(answers).toEqual({ nobody: 401, stranger: 401, other, reader, owner });
  });
});

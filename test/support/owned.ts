import { readFileSync } from 'node:fs';
import { newGate } from './sdk.js';

/** One resource of each kind that a request can reference. All belong to one user. */
export interface Owned {
  thread_id: string;
  checkpoint_id: string;
  run_id: string;
  stateless_run_id: string;
  assistant_id: string;
  cron_id: string;
}

/** The parts of a request besides its path. */
export interface RouteRequest {
  body?: (owned: Owned) => unknown;
  query?: (owned: Owned) => string;
}

export const INPUT = { assistant_id: 'steps', input: {} };
const SCHEDULE = { assistant_id: 'steps', schedule: '0 0 1 1 *' };
const ITEM = { namespace: ['alice', 'notes'], key: 'k' };

/** A valid request to every route that needs more than a path. */
export const REQUESTS: Record<string, RouteRequest> = {
  'POST /assistants': { body: () => ({ graph_id: 'steps' }) },
  'POST /assistants/search': { body: () => ({}) },
  'POST /assistants/count': { body: () => ({}) },
  'PATCH /assistants/{assistant_id}': { body: () => ({ name: 'new' }) },
  'POST /assistants/{assistant_id}/versions': { body: () => ({}) },
  'POST /assistants/{assistant_id}/latest': { body: () => ({ version: 1 }) },
  'POST /threads/prune': { body: ({ thread_id }) => ({ thread_ids: [thread_id] }) },
  'POST /threads': { body: () => ({}) },
  'POST /threads/search': { body: () => ({}) },
  'POST /threads/count': { body: () => ({}) },
  'PATCH /threads/{thread_id}': { body: () => ({ metadata: {} }) },
  'POST /threads/{thread_id}/state': { body: () => ({ values: { path: ['x'] } }) },
  'PATCH /threads/{thread_id}/state': { body: () => ({ metadata: {} }) },
  'POST /threads/{thread_id}/state/checkpoint': { body: () => ({ checkpoint: {} }) },
  'POST /threads/{thread_id}/history': { body: () => ({}) },
  'POST /threads/{thread_id}/runs': { body: () => INPUT },
  'POST /threads/{thread_id}/runs/stream': { body: () => INPUT },
  'POST /threads/{thread_id}/runs/wait': { body: () => INPUT },
  'POST /runs': { body: () => INPUT },
  'POST /runs/stream': { body: () => INPUT },
  'POST /runs/wait': { body: () => INPUT },
  'POST /runs/batch': { body: ({ thread_id }) => [INPUT, { ...INPUT, thread_id }] },
  'POST /runs/cancel': { body: ({ thread_id, run_id }) => ({ thread_id, run_ids: [run_id] }) },
  'PUT /store/items': { body: () => ({ ...ITEM, value: {} }) },
  'GET /store/items': { query: () => '?namespace=alice.notes&key=k' },
  'DELETE /store/items': { body: () => ITEM },
  'POST /store/items/search': { body: () => ({ namespace_prefix: ['alice'] }) },
  'POST /store/namespaces': { body: () => ({ prefix: ['alice'] }) },
  'POST /threads/{thread_id}/runs/crons': { body: () => SCHEDULE },
  'POST /runs/crons': { body: () => SCHEDULE },
  'POST /runs/crons/search': { body: () => ({}) },
  'POST /runs/crons/count': { body: () => ({}) },
  'PATCH /runs/crons/{cron_id}': { body: () => ({ enabled: false }) },
};

const configurable = ({ thread_id, run_id, assistant_id, checkpoint_id }: Owned): object => ({
  thread_id,
  run_id,
  assistant_id,
  checkpoint_id,
});
const checkpointOf = ({ thread_id, checkpoint_id }: Owned): object => ({
  thread_id,
  checkpoint_id,
  checkpoint_ns: '',
  checkpoint_map: { '': checkpoint_id },
});

/** Bodies of a run on a thread: one for every field with an id. */
const RUNS: RouteRequest[] = [
  { body: ({ assistant_id }) => ({ assistant_id, input: {} }) },
  { body: ({ assistant_id, checkpoint_id }) => ({ assistant_id, input: {}, checkpoint_id }) },
  { body: (owned) => ({ ...INPUT, checkpoint: checkpointOf(owned) }) },
  { body: (owned) => ({ ...INPUT, config: { configurable: configurable(owned) } }) },
  { body: ({ assistant_id, thread_id, run_id }) => ({ ...INPUT, metadata: { assistant_id, thread_id, run_id } }) },
];

const STATELESS: RouteRequest[] = [
  { body: ({ assistant_id }) => ({ assistant_id, input: {} }) },
  { body: ({ thread_id, run_id }) => ({ ...INPUT, config: { configurable: { thread_id, run_id } } }) },
];

const CRONS: RouteRequest[] = [
  { body: ({ assistant_id }) => ({ ...SCHEDULE, assistant_id }) },
  { body: ({ thread_id, run_id }) => ({ ...SCHEDULE, metadata: { thread_id, run_id } }) },
];

/** Requests with ids outside of the path: one for every field of a query or body with an id. */
export const ID_PLACES: Record<string, RouteRequest[]> = {
  'POST /threads/search': [
    { body: ({ thread_id }) => ({ ids: [thread_id] }) },
    { body: ({ assistant_id }) => ({ metadata: { assistant_id } }) },
  ],
  'POST /threads/count': [{ body: ({ assistant_id }) => ({ metadata: { assistant_id } }) }],
  'POST /threads/prune': [
    { body: ({ thread_id }) => ({ thread_ids: [thread_id], strategy: 'keep_latest' }) },
    { body: ({ thread_id }) => ({ thread_ids: [thread_id] }) },
  ],
  'PATCH /threads/{thread_id}': [{ body: ({ assistant_id }) => ({ metadata: { assistant_id } }) }],
  'POST /threads/{thread_id}/state': [
    { body: ({ checkpoint_id }) => ({ values: { path: ['x'] }, checkpoint_id }) },
    { body: (owned) => ({ values: { path: ['x'] }, checkpoint: checkpointOf(owned) }) },
  ],
  'POST /threads/{thread_id}/state/checkpoint': [{ body: (owned) => ({ checkpoint: checkpointOf(owned) }) }],
  'POST /threads/{thread_id}/history': [
    { body: ({ checkpoint_id }) => ({ before: checkpoint_id }) },
    { body: (owned) => ({ before: checkpointOf(owned) }) },
    { body: (owned) => ({ before: { configurable: configurable(owned) } }) },
    { body: ({ checkpoint_id }) => ({ checkpoint: { checkpoint_id } }) },
    { body: ({ run_id }) => ({ metadata: { run_id } }) },
  ],
  'GET /threads/{thread_id}/history': [{ query: ({ checkpoint_id }) => `?before=${checkpoint_id}` }],
  'POST /threads/{thread_id}/runs': RUNS,
  'POST /threads/{thread_id}/runs/stream': RUNS,
  'POST /threads/{thread_id}/runs/wait': RUNS,
  'POST /runs': STATELESS,
  'POST /runs/stream': STATELESS,
  'POST /runs/wait': STATELESS,
  'POST /runs/batch': [
    { body: ({ assistant_id, thread_id }) => [INPUT, { assistant_id, thread_id, input: {} }] },
    { body: ({ thread_id, checkpoint_id }) => [{ ...INPUT, thread_id, checkpoint_id }] },
    { body: ({ assistant_id, thread_id }) => [{ assistantId: assistant_id, threadId: thread_id, input: {} }] },
    { body: (owned) => [{ ...INPUT, thread_id: owned.thread_id, checkpoint: checkpointOf(owned) }] },
  ],
  'POST /runs/cancel': [
    { body: ({ thread_id, run_id }) => ({ thread_id, run_ids: [run_id] }) },
    { body: ({ thread_id, stateless_run_id }) => ({ thread_id, run_ids: [stateless_run_id] }) },
    { body: ({ thread_id, run_id }) => ({ thread_id, run_ids: [run_id] }), query: () => '?action=rollback' },
  ],
  'POST /threads/{thread_id}/runs/{run_id}/cancel': [
    { query: () => '?wait=1&action=rollback' },
    { query: () => '?wait=1' },
  ],
  'GET /threads/{thread_id}/runs/{run_id}/join': [{ query: () => '?cancel_on_disconnect=1' }],
  'GET /threads/{thread_id}/runs/{run_id}/stream': [{ query: () => '?cancel_on_disconnect=1' }],
  'GET /runs/{run_id}/join': [{ query: () => '?cancel_on_disconnect=1' }],
  'GET /runs/{run_id}/stream': [{ query: () => '?cancel_on_disconnect=1' }],
  'POST /threads/{thread_id}/runs/crons': CRONS,
  'POST /runs/crons': CRONS,
  'POST /runs/crons/search': [
    { body: ({ assistant_id }) => ({ assistant_id }) },
    { body: ({ thread_id }) => ({ thread_id }) },
  ],
  'POST /runs/crons/count': [
    { body: ({ assistant_id }) => ({ assistant_id }) },
    { body: ({ thread_id }) => ({ thread_id }) },
  ],
};

/** All requests of the two tables, or a request without query and body. */
export const requestsTo = (name: string): RouteRequest[] => [REQUESTS[name] ?? {}, ...(ID_PLACES[name] ?? [])];

/** Every route of `openapi.json` that is not public. */
export const documentedRoutes = (): string[] => {
  const file = new URL('../../openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([route, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`),
  );
  return routes.filter((name) => !PUBLIC.includes(name)).sort();
};

export const PUBLIC = ['GET /ok', 'GET /info', 'GET /metrics'];

/** The path of a request, with its ids filled in. */
export const fill = (route: string, owned: Owned): string =>
  route
    .replace(/^\/runs\/\{run_id\}/, () => `/runs/${owned.stateless_run_id}`)
    .replace('{namespace}', 'any')
    .replace(/\{(\w+)\}/g, (_, name: keyof Owned) => owned[name]);

/** Sends a request as one user. */
export type Send = (method: string, route: string, body?: unknown, signal?: AbortSignal) => Promise<Response>;

/** Sends requests to a server; `name` is the user of the project `test/auth`. */
export const sender =
  (server: { readonly url: string }, name?: string): Send =>
  (method, route, body, signal) =>
    fetch(`${server.url}${route}`, {
      method,
      headers: { 'content-type': 'application/json', ...(name && { authorization: `Bearer ${name}` }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });

/** The response body of a successful request. */
export async function accepted<T>(response: Promise<Response>): Promise<T> {
  const { status, ok, ...rest } = await response.then(async (one) => ({
    status: one.status,
    ok: one.ok,
    text: await one.text(),
  }));
  if (!ok) {
    throw new Error(`The server responded with ${status}: ${rest.text}`);
  }
  return (rest.text ? JSON.parse(rest.text) : undefined) as T;
}

/** Creates one resource of each kind. `secret` becomes part of the thread's metadata, the assistant's name and the item. */
export async function own(send: Send, secret = 'none'): Promise<Owned> {
  const post = <T>(route: string, body: unknown): Promise<T> => accepted<T>(send('POST', route, body));
  const { thread_id } = await post<{ thread_id: string }>('/threads', { metadata: { secret } });
  await post(`/threads/${thread_id}/runs/wait`, INPUT);
  const [{ run_id }] = await post<{ run_id: string }[]>('/runs/batch', [{ ...INPUT, thread_id }]);
  await accepted(send('GET', `/threads/${thread_id}/runs/${run_id}/join`));
  const state = await accepted<{ checkpoint: { checkpoint_id: string } }>(send('GET', `/threads/${thread_id}/state`));
  const stateless = await post<{ run_id: string }>('/runs', { ...INPUT, stream_resumable: true });
  await accepted(send('GET', `/runs/${stateless.run_id}/join`));
  const { assistant_id } = await post<{ assistant_id: string }>('/assistants', { graph_id: 'steps', name: secret });
  const { cron_id } = await post<{ cron_id: string }>('/runs/crons', { ...SCHEDULE, metadata: { secret } });
  const { checkpoint_id } = state.checkpoint;
  return { thread_id, checkpoint_id, run_id, stateless_run_id: stateless.run_id, assistant_id, cron_id };
}

/** The same with running runs, which wait inside their graph. */
export async function ownBusy(send: Send, secret?: string): Promise<Owned> {
  const idle = await own(send, secret);
  const input = { gate: newGate().path, label: 'a' };
  // Its checkpoints are stored before the run waits.
  const waiting = { assistant_id: 'waiting', input, stream_mode: ['custom'], durability: 'sync' };
  const start = async (route: string): Promise<string> => {
    const { run_id } = await accepted<{ run_id: string }>(send('POST', route, waiting));
    await untilText(send('GET', `${route}/${run_id}/stream`), 'waiting');
    return run_id;
  };
  const run_id = await start(`/threads/${idle.thread_id}/runs`);
  return { ...idle, run_id, stateless_run_id: await start('/runs') };
}

/** Reads a stream until it contains a string, then disconnects. */
async function untilText(response: Promise<Response>, text: string): Promise<void> {
  let read = '';
  for await (const chunk of (await response).body!) {
    read += Buffer.from(chunk as Uint8Array).toString();
    if (read.includes(text)) {
      return;
    }
  }
  throw new Error(`The stream ended without "${text}": ${read}`);
}

import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { accepted, documentedRoutes, fill, own, REQUESTS, sender } from '../support/owned.js';
import { serverForFile } from '../support/sdk.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const server = serverForFile({ project: path.join(ROOT, 'test/auth') });

interface Row {
  /** The status that the owner gets. */
  owner: number;
  /** The status for another user, who has the same permissions on their own resources. */
  other: number;
  /** The status for a user with read permission only, who owns nothing. */
  reader: number;
}

/** Every user gets a result that contains only their own resources. */
const lists: Row = { owner: 200, other: 200, reader: 200 };
const reads: Row = { owner: 200, other: 404, reader: 404 };
const makes: Row = { owner: 200, other: 200, reader: 403 };
const changes: Row = { owner: 200, other: 404, reader: 403 };
const removes: Row = { owner: 204, other: 404, reader: 403 };
/** The store handler checks namespaces. */
const items: Row = { owner: 200, other: 403, reader: 403 };

/** One row for every route that is not public. */
const ROUTES: Record<string, Row> = {
  'POST /assistants': makes,
  'POST /assistants/search': lists,
  'POST /assistants/count': lists,
  'GET /assistants/{assistant_id}': reads,
  'PATCH /assistants/{assistant_id}': changes,
  'DELETE /assistants/{assistant_id}': removes,
  'POST /assistants/{assistant_id}/versions': reads,
  'POST /assistants/{assistant_id}/latest': changes,
  'GET /assistants/{assistant_id}/graph': reads,
  'GET /assistants/{assistant_id}/schemas': reads,
  'GET /assistants/{assistant_id}/subgraphs': reads,
  'GET /assistants/{assistant_id}/subgraphs/{namespace}': reads,
  'POST /threads/prune': changes,
  'POST /threads/{thread_id}/copy': reads,
  'GET /threads/{thread_id}/storage': reads,
  'POST /threads': makes,
  'POST /threads/search': lists,
  'POST /threads/count': lists,
  'GET /threads/{thread_id}': reads,
  'PATCH /threads/{thread_id}': changes,
  'DELETE /threads/{thread_id}': removes,
  'GET /threads/{thread_id}/stream': reads,
  'GET /threads/{thread_id}/state': reads,
  'POST /threads/{thread_id}/state': changes,
  'PATCH /threads/{thread_id}/state': { ...changes, owner: 204 },
  'GET /threads/{thread_id}/state/{checkpoint_id}': reads,
  'POST /threads/{thread_id}/state/checkpoint': reads,
  'POST /threads/{thread_id}/history': reads,
  'GET /threads/{thread_id}/history': reads,
  'POST /threads/{thread_id}/runs': changes,
  'GET /threads/{thread_id}/runs': reads,
  'POST /threads/{thread_id}/runs/stream': changes,
  'POST /threads/{thread_id}/runs/wait': changes,
  'GET /threads/{thread_id}/runs/{run_id}': reads,
  'DELETE /threads/{thread_id}/runs/{run_id}': removes,
  'POST /threads/{thread_id}/runs/{run_id}/cancel': { ...changes, owner: 202 },
  'GET /threads/{thread_id}/runs/{run_id}/join': reads,
  'GET /threads/{thread_id}/runs/{run_id}/stream': reads,
  'POST /runs': makes,
  'POST /runs/stream': makes,
  'POST /runs/wait': makes,
  'POST /runs/batch': changes,
  // It has ended: there is nothing to cancel.
  'POST /runs/cancel': { ...changes, owner: 404 },
  'GET /runs/{run_id}/join': reads,
  'GET /runs/{run_id}/stream': reads,
  'PUT /store/items': { ...items, owner: 204 },
  'GET /store/items': items,
  'DELETE /store/items': { ...items, owner: 204 },
  'POST /store/items/search': items,
  'POST /store/namespaces': items,
  'POST /threads/{thread_id}/runs/crons': changes,
  'POST /runs/crons': makes,
  'POST /runs/crons/search': lists,
  'POST /runs/crons/count': lists,
  'GET /runs/crons/{cron_id}': reads,
  'PATCH /runs/crons/{cron_id}': changes,
  'DELETE /runs/crons/{cron_id}': removes,
};

it('covers every documented route', () => {
  expect(Object.keys(ROUTES).sort()).toEqual(documentedRoutes());
});

/** Returns the status; the response body is not read. */
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

describe.each(Object.entries(ROUTES))('%s', (name, { owner, other, reader }) => {
  it('returns the expected status to each kind of caller', async () => {
    const [method, route] = name.split(' ');
    const alice = sender(server, 'alice');
    const owned = await own(alice);
    await accepted(alice('PUT', '/store/items', { namespace: ['alice', 'notes'], key: 'k', value: { a: 1 } }));
    const { body, query } = REQUESTS[name] ?? {};
    const request = [method, fill(route, owned) + (query?.(owned) ?? ''), body?.(owned)] as const;
    const answers = {
      anonymous: await ask(undefined, ...request),
      stranger: await ask('mallory', ...request),
      other: await ask('bob', ...request),
      reader: await ask('reader', ...request),
      owner: await ask('alice', ...request),
    };
    expect(answers).toEqual({ anonymous: 401, stranger: 401, other, reader, owner });
  });
});

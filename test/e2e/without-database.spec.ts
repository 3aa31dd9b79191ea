import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send } from '../support/http.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { paths } = JSON.parse(readFileSync(path.join(ROOT, 'openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};

/** They do not need the database. */
const WITHOUT = ['GET /ok', 'GET /info', 'GET /metrics'];

const ROUTES = Object.entries(paths)
  .flatMap(([route, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`))
  .filter((name) => !WITHOUT.includes(name));

const RUN = { assistant_id: 'steps', input: {} };
const CRON = { assistant_id: 'steps', schedule: '0 0 1 1 *' };
const ITEM = { namespace: ['notes'], key: 'k' };
const IDS = { thread_id: randomUUID(), run_ids: [randomUUID()] };

/** Bodies of the routes that need more than `{}`. */
const BODIES: Record<string, unknown> = {
  'POST /assistants': { graph_id: 'steps' },
  'PATCH /assistants/{assistant_id}': { name: 'new' },
  'POST /assistants/{assistant_id}/latest': { version: 1 },
  'POST /threads/prune': { thread_ids: [IDS.thread_id] },
  'PATCH /threads/{thread_id}': { metadata: {} },
  'POST /threads/{thread_id}/state': { values: { path: ['x'] } },
  'PATCH /threads/{thread_id}/state': { metadata: {} },
  'POST /threads/{thread_id}/state/checkpoint': { checkpoint: {} },
  'POST /threads/{thread_id}/runs': RUN,
  'POST /threads/{thread_id}/runs/stream': RUN,
  'POST /threads/{thread_id}/runs/wait': RUN,
  'POST /runs': RUN,
  'POST /runs/stream': RUN,
  'POST /runs/wait': RUN,
  'POST /runs/batch': [RUN],
  'POST /runs/cancel': IDS,
  'PUT /store/items': { ...ITEM, value: {} },
  'DELETE /store/items': ITEM,
  'POST /store/items/search': { namespace_prefix: ['notes'] },
  'POST /threads/{thread_id}/runs/crons': CRON,
  'POST /runs/crons': CRON,
  'PATCH /runs/crons/{cron_id}': { enabled: false },
};

/** What would tell where the database is. */
const INTERNALS = /ECONN|ENOENT|PGSQL|\.s\.|nestgraph-own|\/tmp|postgres|pg_|connect|terminat|\d+\.\d+\.\d+\.\d+/i;

let postgres: OwnPostgres;
let server: TestServer;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  server = await startServer({ database: postgres });
  await postgres.kill();
});
afterAll(async () => {
  await killLeftovers();
  await postgres?.drop();
});

function ask(name: string, query = '') {
  const [method, route] = name.split(' ');
  const address = route.replace('{namespace}', 'any').replace(/\{\w+\}/g, () => randomUUID());
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method) || name in BODIES;
  return send(`${server.url}${address}${query}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(hasBody && { body: JSON.stringify(BODIES[name] ?? {}) }),
  });
}

describe('without its database', () => {
  it.each(ROUTES)('the server answers %s with 503 and no word about the reason', async (name) => {
    const { status, text, json } = await ask(name, name === 'GET /store/items' ? '?namespace=notes&key=k' : '');
    expect({ status, json }).toEqual({
      status: 503,
      json: {
        code: 'database_unavailable',
        detail: 'The database is unavailable. Try again soon.',
      },
    });
    expect(text).not.toMatch(INTERNALS);
  });

  it.each(WITHOUT)('%s is answered as always', async (name) => {
    expect((await ask(name)).status).toBe(200);
  });

  it('the log has the reason, once for each request', async () => {
    const { headers } = await ask('GET /threads/{thread_id}');
    const id = headers.get('x-request-id')!;
    await server.printed(new RegExp(`x-request-id=${id}[\\s\\S]*Caused by: Error: connect E\\w+`));
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { connect, refusal, SDKS } from '../support/sdk.js';
import { killLeftovers, runToEnd, startServer, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

interface Document {
  paths: Record<string, Record<string, unknown>>;
}

const { paths } = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../openapi.json'), 'utf8')) as Document;

const ROUTES = Object.entries(paths).flatMap(([route, methods]) =>
  Object.keys(methods).map((method) => [method.toUpperCase(), route.replace(/\{\w+\}/g, crypto.randomUUID())] as const),
);

let database: TestDatabase;
let server: TestServer;
let partly: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({ database, args: ['--config', 'disabled.json'] });
  partly = await startServer({ database, args: ['--config', 'disabled-runs.json'] });
});
afterAll(async () => {
  await Promise.all([server?.stop(), partly?.stop()]);
  await killLeftovers();
  await database?.drop();
});

describe('groups of routes that are switched off', () => {
  it.each([...ROUTES, ['GET', '/docs'] as const, ['GET', '/openapi.json'] as const])(
    'are not there: %s %s',
    async (method, route) => {
      const body = method === 'GET' ? undefined : '{}';
      const { status, json } = await send(server.url + route, { method, body });
      expect(status).toBe(404);
      expect(json).toMatchObject({ code: 'not_found' });
    },
  );

  it.each(SDKS)('are not there for SDK %s, and the others are', async (_, Client) => {
    const client = connect(Client, partly.url);
    const { thread_id } = await client.threads.create();
    await expect(client.threads.get(thread_id)).resolves.toMatchObject({ thread_id });
    await expect(client.assistants.search()).rejects.toMatchObject(refusal(404, 'not_found'));
    await expect(client.runs.list(thread_id)).rejects.toMatchObject(refusal(404, 'not_found'));
    await expect(client.runs.wait(null, 'steps', { input: {} })).rejects.toMatchObject(refusal(404, 'not_found'));
  });

  it('are in no document, and /info knows of it', async () => {
    const { json } = await send(`${partly.url}/openapi.json`);
    const routes = Object.keys((json as Document).paths);
    expect(routes).toContain('/threads/{thread_id}/state');
    expect(routes.filter((route) => /runs|assistants/.test(route))).toEqual([]);
    expect((await send(`${partly.url}/info`)).json).toMatchObject({ flags: { assistants: false } });
    const { output } = await runToEnd(['openapi', '--config', 'disabled.json']);
    expect((JSON.parse(output) as Document).paths).toEqual({});
  });

  it('are only routes: the process executes runs all the same', async () => {
    const full = await startServer({ database, env: { N_JOBS_PER_WORKER: '0' } });
    try {
      const { json } = await sendJson(`${full.url}/threads`, {});
      const { thread_id } = json as { thread_id: string };
      await sendJson(`${full.url}/threads/${thread_id}/runs`, { assistant_id: 'steps', input: {} });
      const thread = await askUntil(
        async () => (await send(`${full.url}/threads/${thread_id}`)).json as { status: string; values: unknown },
        ({ status }) => status === 'idle',
      );
      expect(thread.values).toEqual({ path: ['one', 'two', 'three'] });
    } finally {
      await full.stop();
    }
  });
});

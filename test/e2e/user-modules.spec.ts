import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { runToEnd, startServer, type TestServer } from '../support/server.js';

const PROJECT = path.resolve(import.meta.dirname, '../nest');

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

describe('Nest modules of a project', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ database, project: PROJECT });
  });
  afterAll(() => server.stop());

  it('guard the built-in routes', async () => {
    const headers = { 'x-muddy-boots': 'yes' };
    for (const route of ['/assistants/steps', '/house']) {
      const refused = await send(`${server.url}${route}`, { headers });
      expect([refused.status, refused.json]).toEqual([403, { detail: 'Wipe your boots.', code: 'forbidden' }]);
      expect((await send(`${server.url}${route}`)).status).toBe(200);
    }
    const stream = await sendJson(`${server.url}/runs/stream`, { assistant_id: 'steps', input: {} }, { headers });
    expect(stream.status).toBe(403);
  });

  it('intercept the built-in routes', async () => {
    const visit = async () => Number((await send(`${server.url}/assistants/steps`)).headers.get('x-visitor'));
    const first = await visit();
    expect(first).toBeGreaterThan(0);
    expect(await visit()).toBe(first + 1);
  });

  it('have routes of their own', async () => {
    expect((await send(`${server.url}/house`)).json).toEqual({ hello: 'visitor' });
    expect((await send(`${server.url}/openapi.json`)).json).toHaveProperty('paths./house.get');
  });
});

it.each<[string, string, RegExp]>([
  ['a file that is not there', './none.ts:Module', /nest\.modules of langgraph\.json .*none\.ts/],
  ['an export that is not there', './plain.mjs:Other', /has no export "Other"/],
  ['a file that throws', './throws.mjs:Throws', /: Error: no key \(throws\.mjs:2\)\.$/m],
  ['something else than a module', './plain.mjs:plain', /expected a class with @Module\(\)/],
])('the start is rejected with %s', async (_, module, message) => {
  const project = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-nest-'));
  const graphs = { steps: path.resolve(PROJECT, '../graphs/steps.ts:graph') };
  writeFileSync(path.join(project, 'langgraph.json'), JSON.stringify({ graphs, nest: { modules: [module] } }));
  writeFileSync(path.join(project, 'plain.mjs'), 'export const plain = 7;');
  writeFileSync(path.join(project, 'throws.mjs'), `export class Throws {}\nthrow new Error('no key');`);
  const { code, output } = await runToEnd(['dev', '--port', '0'], { database, project });
  rmSync(project, { recursive: true });
  expect(code).not.toBe(0);
  expect(output).toMatch(message);
  expect(output).not.toMatch(/^ +at /m);
});

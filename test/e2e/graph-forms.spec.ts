import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { startServer, TEST_PROJECT, type TestServer } from '../support/server.js';

/** Every way in which LangGraph lets people write and export a graph. */
describe('a graph', () => {
  let database: TestDatabase;
  let server: TestServer;

  beforeAll(async () => {
    database = await createDatabase();
    server = await startServer({ database, project: path.join(TEST_PROJECT, 'forms') });
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  const config = { configurable: { flavour: 'sweet' } };
  const run = async (assistant_id: string, input: unknown): Promise<unknown> =>
    (await sendJson(`${server.url}/runs/wait`, { assistant_id, input, config })).json;
  const get = async (address: string): Promise<unknown> => (await fetch(server.url + address)).json();

  const idOf = async (graph_id: string): Promise<string> => {
    const { json } = await sendJson(`${server.url}/assistants/search`, { graph_id, limit: 1 });
    return (json as { assistant_id: string }[])[0].assistant_id;
  };

  it.each([
    ['messages', [{ role: 'user', content: 'Hello' }], [{ content: 'Hello' }, { type: 'ai', content: '1 so far' }]],
    ['react', { messages: [{ role: 'user', content: 'Hello' }] }, { messages: [{}, { content: 'It is noon.' }] }],
    ['functional', { values: [1, 2] }, [2, 4]],
    ['zod 3', { total: 1 }, { total: 2 }],
    ['zod-4', { total: 1 }, { total: 2 }],
    ['state.schema', { total: 1 }, { total: 2 }],
    ['agent.v1.2', {}, { found: 'renamed' }],
    ['builder', {}, { found: 'builder' }],
    ['promise', {}, { found: 'promise' }],
    ['default', {}, { found: 'default' }],
    ['factory', {}, { found: 'sweet' }],
    ['unnamed', {}, { found: 'dots' }],
    ['dots.in.file', {}, { found: 'dots' }],
  ])('%s is run', async (assistant_id, input, output) => {
    expect(await run(assistant_id, input)).toMatchObject(output);
  });

  it('made by a factory of two arguments learns what it is for', async () => {
    const { thread_id } = (await sendJson(`${server.url}/threads`, {})).json as { thread_id: string };
    const thread = `/threads/${thread_id}`;
    const wait = async () =>
      (
        await sendJson(`${server.url}${thread}/runs/wait`, {
          assistant_id: 'factory-of-two',
          input: {},
          context: { flavour: 'sour' },
        })
      ).json as { found: unknown[] };
    const forRun = { accessContext: 'threads.create_run', executionRuntime: { context: { flavour: 'sour' } } };
    const { found: before } = await wait();
    await get(`${thread}/state`);
    await sendJson(`${server.url}${thread}/state`, { values: {} });
    await get(`/assistants/${await idOf('factory-of-two')}/graph`);

    expect((await wait()).found.slice(before.length - 1)).toEqual([
      forRun,
      ...['threads.read', 'threads.update', 'assistants.read'].map((accessContext) => ({
        accessContext,
        executionRuntime: null,
      })),
      forRun,
    ]);
  });

  it.each(['messages', 'react', 'functional', 'zod 3', 'zod-4', 'state.schema', 'agent.v1.2', 'factory-of-two'])(
    '%s is drawn and described',
    async (graph_id) => {
      const assistant_id = await idOf(graph_id);
      const { nodes } = (await get(`/assistants/${assistant_id}/graph?xray=true`)) as { nodes: unknown[] };
      expect(nodes.length).toBeGreaterThan(1);
      expect(await get(`/assistants/${assistant_id}/schemas`)).toMatchObject({ graph_id, input_schema: {} });
    },
  );
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import type { TestServer } from '../support/server.js';
import {
  type Client,
  collect,
  connect,
  newThread,
  type Part,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';

/** Headers with a value that nothing else has. */
const headersWith = (secret: string): Record<string, string> => ({
  'x-tenant': secret,
  'X-Colour': secret,
  'x-internal': secret,
  'x-user-id': secret,
  'x-api-key': secret,
  'x-service-key': secret,
  'x-tenant-id': secret,
  authorization: `Bearer ${secret}`,
  cookie: secret,
  run_id: secret,
  langgraph_auth_user_id: secret,
  'x-request-id': 'request-1',
});

const SECRET = 'hush-5f2c';

const ALL_MODES = ['values', 'updates', 'debug', 'checkpoints', 'tasks', 'events', 'messages-tuple', 'custom'] as const;

let database: TestDatabase;
let project: Project;
let server: TestServer;

/** A server whose graphs see the headers that the patterns let through. */
async function serve(configurable_headers: object): Promise<void> {
  const graphs = Object.fromEntries(
    ['settings', 'waiting', 'tokens', 'ask'].map((name) => [name, `./${name}.ts:graph`]),
  );
  await project.write('langgraph.json', { graphs, http: { configurable_headers } });
  server = await project.start({ database });
}

beforeAll(async () => {
  database = await createDatabase();
  project = await createProject({ graphs: ['settings.ts', 'waiting.ts', 'tokens.ts', 'ask.ts'] });
});
afterAll(async () => {
  await project?.remove();
  await database?.drop();
});

/** Every row of every table that holds the text, by table. */
async function rowsWith(text: string): Promise<Record<string, string[]>> {
  const { rows: tables } = await database.pool.query<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await database.pool.query<{ row: string }>(
        `SELECT t::text AS row FROM ${name} t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0`,
        [text, Buffer.from(text).toString('hex')],
      );
      return [name, rows.map(({ row }) => row)] as const;
    }),
  );
  return Object.fromEntries(found.filter(([, rows]) => rows.length > 0));
}

describe.each(SDKS)('request headers that the configuration lets through, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(async () => {
    await serve({ includes: ['x-*', 'X-USER-ID', 'run_id', 'langgraph_*'], excludes: ['x-internal*'] });
    client = connect(Client, server.url, headersWith(SECRET));
  });
  beforeEach(async () => {
    thread_id = await newThread(client);
  });
  afterAll(async () => {
    await server?.stop();
  });

  type Seen = Record<'configurable' | 'factory' | 'context' | 'metadata', Record<string, unknown>>;
  const seen = async (thread: string | null = thread_id, payload: object = {}): Promise<Seen> =>
    (await client.runs.wait(thread as string, 'settings', { input: {}, ...payload })) as unknown as Seen;

  const VISIBLE = { 'x-tenant': SECRET, 'x-colour': SECRET, 'x-user-id': SECRET };

  it.each([['on a thread'], ['stateless']])('are in configurable, for nodes and for factories: %s', async (kind) => {
    const { configurable, factory, context, metadata } = await seen(kind === 'stateless' ? null : thread_id);
    for (const given of [configurable, factory]) {
      expect(given).toMatchObject({ ...VISIBLE, langgraph_request_id: 'request-1', graph_id: 'settings' });
      const hidden = ['x-internal', 'x-api-key', 'x-service-key', 'x-tenant-id', 'authorization', 'cookie'];
      expect(Object.keys(given)).not.toEqual(expect.arrayContaining([expect.stringMatching(hidden.join('|'))]));
      expect(given.run_id).not.toBe(SECRET);
      expect(given).not.toHaveProperty('langgraph_auth_user_id');
    }
    expect(JSON.stringify([context, metadata])).not.toContain(SECRET);
  });

  it('win over what the body says under the same name', async () => {
    const payload = { config: { configurable: { 'x-tenant': 'from the body', mine: 1 } } };
    expect((await seen(thread_id, payload)).configurable).toMatchObject({ 'x-tenant': SECRET, mine: 1 });
  });

  it('are not handed on to later runs', async () => {
    await seen();
    const plain = connect(Client, server.url);
    const { configurable } = (await plain.runs.wait(thread_id, 'settings', { input: {} })) as unknown as Seen;
    for (const name of Object.keys(VISIBLE)) {
      expect(configurable).not.toHaveProperty(name);
    }
    expect(configurable.langgraph_request_id).not.toBe('request-1');
  });

  it('are seen by every run of a batch', async () => {
    const items = [{ assistantId: 'settings', thread_id, input: {} }];
    const [{ run_id }] = await client.runs.createBatch(items);
    expect(await client.runs.join(thread_id, run_id)).toMatchObject({ configurable: VISIBLE });
  });

  it('are there when another process executes the run', async () => {
    const api = await project.start({ database, env: { N_JOBS_PER_WORKER: '0' } });
    try {
      const { runs } = connect(Client, api.url, headersWith(SECRET));
      const { run_id } = await runs.create(thread_id, 'settings', { input: {} });
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ configurable: VISIBLE });
    } finally {
      await api.stop();
    }
  });

  /** With graphs that do not write their configurable into the state. */
  describe('are kept to themselves:', () => {
    let secret: string;

    beforeEach(() => {
      secret = randomUUID();
      client = connect(Client, server.url, headersWith(secret));
    });
    afterAll(() => {
      client = connect(Client, server.url, headersWith(SECRET));
    });

    it('are in the database only beside a run that has not ended, and not shown', async () => {
      const { gate, run_id } = await startWaiting(client, thread_id, { durability: 'sync' });
      const { runs, ...elsewhere } = await rowsWith(secret);
      expect([runs.length, elsewhere]).toEqual([1, {}]);
      expect(runs[0]).toContain(run_id);
      expect(JSON.stringify(await client.runs.list(thread_id))).not.toContain(secret);
      expect(JSON.stringify(await client.threads.get(thread_id))).not.toContain(secret);
      gate.open();
      await client.runs.join(thread_id, run_id);
      expect(await rowsWith(secret)).toEqual({});
      expect(JSON.stringify(await client.threads.getHistory(thread_id))).not.toContain(secret);
    });

    it.each(['interrupt', 'rollback'] as const)('are not kept for a run that is cancelled: %s', async (action) => {
      const { run_id } = await startWaiting(client, thread_id);
      await client.runs.cancel(thread_id, run_id, true, action);
      expect(await rowsWith(secret)).toEqual({});
    });

    it('are not kept for a run that never began', async () => {
      const { run_id } = await client.runs.create(thread_id, 'settings', { input: {}, afterSeconds: 3600 });
      expect(Object.keys(await rowsWith(secret))).toEqual(['runs']);
      await client.runs.cancel(thread_id, run_id, true);
      expect(await rowsWith(secret)).toEqual({});
    });

    it.each(['tokens', 'ask'])('are in no event of a stream: %s', async (graph) => {
      const payload = {
        input: { messages: [], question: 'why?' },
        streamMode: [...ALL_MODES],
        streamSubgraphs: true,
        streamResumable: true,
      };
      const parts = await collect(client.runs.stream(thread_id, graph, payload) as AsyncIterable<Part>);
      expect(parts.length).toBeGreaterThan(5);
      expect(parts.filter((part) => JSON.stringify(part).includes(secret))).toEqual([]);
      expect(await rowsWith(secret)).toEqual({});
    });
  });
});

describe('request headers without a configuration', () => {
  const plain = serverForFile();

  it('are not seen by graphs; the id of the request is', async () => {
    const client = connect(SDKS[0][1], plain.url, headersWith(SECRET));
    const { configurable } = (await client.runs.wait(null, 'settings', { input: {} })) as { configurable: object };
    expect(JSON.stringify(configurable)).not.toContain(SECRET);
    expect(configurable).toMatchObject({ langgraph_request_id: 'request-1' });
  });

  it('leave the request its own id when it has none', async () => {
    const { runs } = connect(SDKS[0][1], plain.url);
    const { configurable } = (await runs.wait(null, 'settings', { input: {} })) as { configurable: object };
    expect(configurable).toMatchObject({ langgraph_request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });
});

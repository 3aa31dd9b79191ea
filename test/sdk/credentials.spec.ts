import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { type Client, collect, connect, newThread, SDKS } from '../support/sdk.js';
import { killLeftovers, runToEnd, startServer, type TestServer } from '../support/server.js';

const SECRET = 'hush-7c1e';

/** All headers with credentials, one that the configuration keeps out of logs, and one that may be logged. */
const HEADERS = {
  authorization: `Bearer ${SECRET}`,
  'x-api-key': SECRET,
  'x-service-key': SECRET,
  cookie: `session=${SECRET}`,
  'proxy-authorization': `Basic ${SECRET}`,
  'x-private': SECRET,
  'x-tenant': 'parrots',
};

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({ database, args: ['--config', 'headers.json'], env: { LOG_LEVEL: 'debug' } });
});
afterAll(async () => {
  await server?.stop();
  await killLeftovers();
  await database?.drop();
});

/** The contents of all tables as one string. */
async function stored(): Promise<string> {
  const { rows: tables } = await database.pool.query<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await database.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      // Blobs are shown as hexadecimal digits.
      return rows.map(({ row }) => row + row.replace(/\\x([0-9a-f]+)/g, (_, hex: string) => fromHex(hex))).join();
    }),
  );
  return texts.join();
}

const fromHex = (hex: string): string => Buffer.from(hex, 'hex').toString();

describe.each(SDKS)('credentials in the headers of SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    const { 'x-private': _private, ...headers } = HEADERS;
    client = connect(Client, server.url, headers);
  });

  it('reach no graph, response, table or log, though the header patterns match them', async () => {
    const thread_id = await newThread(client);
    const answers = [
      await client.runs.wait(thread_id, 'settings', { input: {} }),
      await collect(client.runs.stream(thread_id, 'settings', { input: {}, streamMode: ['values', 'debug'] }) as never),
      await client.threads.get(thread_id),
      await client.threads.getState(thread_id),
      await client.threads.getHistory(thread_id),
      await client.runs.list(thread_id),
      await client.runs.wait(thread_id, 'failing', { input: {} }).catch((error: Error) => error.message),
      await client.runs.wait(thread_id, 'parrot', { input: {} }).catch((error: Error) => error.message),
      await client.threads.get('monday').catch((error: Error) => error.message),
    ];
    expect(JSON.stringify(answers)).toContain('parrots');
    expect(JSON.stringify(answers)).not.toContain(SECRET);
    expect(await stored()).not.toContain(SECRET);
    expect(server.output()).not.toContain(SECRET);
  });

  it('are not stored while a run is delayed', async () => {
    const thread_id = await newThread(client);
    await client.runs.create(thread_id, 'settings', { input: {}, afterSeconds: 3600 });
    expect(await stored()).toContain('parrots');
    expect(await stored()).not.toContain(SECRET);
  });
});

describe('the log of a request', () => {
  it('contains allowed headers, masks credentials and omits the query', async () => {
    const id = 'log-1';
    await send(`${server.url}/info?key=${SECRET}`, { headers: { ...HEADERS, 'x-request-id': id } });
    await server.printed(/x-request-id=log-1 .*/);
    const [line] = /.*x-request-id=log-1 .*/.exec(server.output())!;

    expect(line).toMatch(/GET \/info 200 \d+ ms/);
    expect(line).toContain('x-tenant="parrots"');
    expect(line).toContain('authorization=***');
    expect(line).toContain('cookie=***');
    expect(line).not.toContain('x-private');
    expect(line).not.toContain(SECRET);
  });

  it('is also written for refused requests and for streams', async () => {
    await sendJson(`${server.url}/threads`, { metadata: 7 }, { headers: { 'x-request-id': 'log-2' } });
    await sendJson(`${server.url}/runs/stream`, { assistant_id: 'steps' }, { headers: { 'x-request-id': 'log-3' } });
    await server.printed(/POST \/threads 422 .*x-request-id=log-2/);
    await server.printed(/POST \/runs\/stream 200 .*x-request-id=log-3/);
  });
});

describe('the password of the database', () => {
  const refusedBy = `postgres://user:${SECRET}@127.0.0.1:1/database`;

  it.each([
    ['that is unavailable', refusedBy],
    ['whose host is unknown', `postgres://user:${SECRET}@database.invalid:5432/database`],
    ['of another kind', `mysql://user:${SECRET}@127.0.0.1/database`],
    ['with a parameter', `mysql://127.0.0.1/database?password=${SECRET}`],
  ])('is not in the message about a database %s', async (_name, uri) => {
    const { code, output } = await runToEnd(['start', '--port', '0'], { database: { uri } });
    expect(code).toBe(1);
    expect(output.length).toBeGreaterThan(20);
    expect(output).not.toContain(SECRET);
  });

  it('is not in the message about a failed login', async () => {
    const uri = `${database.uri}&password=${SECRET}`;
    const { code, output } = await runToEnd(['start', '--port', '0'], { database: { uri } });
    expect(code).toBe(1);
    expect(output).toContain('password authentication failed');
    expect(output).not.toContain(SECRET);
  });

  it('is not in the startup log', () => {
    const [, password] = /^\w+:\/\/[^:@]+:([^@]+)@/.exec(database.uri)!;
    expect(server.output()).toContain(':***@');
    expect(server.output()).not.toContain(password);
  });
});

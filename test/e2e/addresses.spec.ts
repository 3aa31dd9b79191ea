import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import { connectRaw } from '../support/raw-client.js';
import { killLeftovers, type TestServer } from '../support/server.js';

const KEY = 'key-of-alice-0123456789';
const REQUESTS_PER_MINUTE = 5;

const APP = `
const routes = {
  '/admin': () => new Response('for known callers'),
  '/own-auth': () => new Response('no', { status: 401 }),
};
export const app = (request) => routes[new URL(request.url).pathname]?.();
`;

/** What the SDK's `Auth` object keeps for servers: refuses with a status of its own, and fails, for keys that say so. */
const AUTH = `
function authenticate(request) {
  const key = request.headers.get('x-api-key') ?? '';
  if (key.startsWith('failing')) {
    throw new TypeError('failing');
  }
  if (key !== '${KEY}') {
    throw Object.assign(new Error('no'), { status: key.startsWith('forbidden') ? 403 : 401 });
  }
  return 'alice';
}
export const auth = { '~handlerCache': { authenticate } };
`;

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase();
  project = await createProject({ graphs: ['echo.ts'], files: { 'app.mjs': APP, 'auth.mjs': AUTH } });
});
afterAll(async () => {
  await killLeftovers();
  await project?.remove();
  await database?.drop();
});

interface RawAnswer {
  status: number;
  text: string;
}

/** A request whose line and headers no client library has repaired. */
async function ask(server: TestServer, line: string, headers: string[] = ['host: a']): Promise<RawAnswer> {
  const head = [`${line} HTTP/1.1`, ...headers, 'connection: close'].join('\r\n');
  const client = await connectRaw(server.url, `${head}\r\n\r\n`);
  await client.closed;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(client.text())?.[1]), text: client.text() };
}

let last = 0;
/** Each test comes from an address of its own, for which no other has sent anything. */
const newAddress = (): string[] => ['host: a', `x-forwarded-for: 198.51.100.${++last}`];

async function start(http: object = {}, env: Record<string, string> = {}, more: object = {}): Promise<TestServer> {
  await project.write('langgraph.json', { graphs: { echo: './echo.ts:graph' }, http, ...more });
  return project.start({ database, env: { NESTGRAPH_API_KEYS: `alice:${KEY}`, ...env } });
}

const LIMITS = {
  NESTGRAPH_TRUST_PROXY: 'loopback',
  NESTGRAPH_RATE_LIMIT_PER_MINUTE: String(REQUESTS_PER_MINUTE),
};

describe('a request in an odd form', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server?.stop();
  });

  const key = `x-api-key: ${KEY}`;

  it.each(['', 'a b', '[::1', 'user:pw@a', 'a:99999', 'a/b#c'])(
    'is answered whatever its host is: %j',
    async (host) => {
      const answer = await ask(server, 'GET /threads/tuesday', [`host: ${host}`, key]);
      expect(answer).toMatchObject({ status: 422, text: expect.stringContaining('must be a UUID') });
    },
  );

  it.each([
    ['//user:pw@host/threads', 404],
    ['//[', 404],
    ['//:99999/', 404],
    ['*', 404],
    ['ftp://host/threads/tuesday', 404],
    ['http://host/threads/tuesday', 422],
    ['http://user:pw@host:99999/threads/tuesday', 422],
    ['/docs/../threads/tuesday', 422],
    ['/threads/tuesday#fragment', 422],
    ['/%zz', 400],
  ])('names a route by its path alone: %s', async (target, status) => {
    expect((await ask(server, `GET ${target}`, ['host: a', key])).status).toBe(status);
  });

  it.each([
    ['TRACE', '/ok'],
    ['TRACE', '/threads'],
    ['CONNECT', 'host:80'],
  ])('is refused where no route can have its method: %s %s', async (method, target) => {
    const { status, text } = await ask(server, `${method} ${target}`);
    expect(status).toBe(405);
    expect(text).toMatch(/^allow: GET/im);
    expect(text).toContain('"code":"method_not_allowed"');
  });

  it('is no server error when its client disconnects early', async () => {
    const head = `POST /threads HTTP/1.1\r\nhost: a\r\n${key}\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n`;
    const client = await connectRaw(server.url, head);
    await client.until(/100 Continue/);
    client.write('{');
    client.leave();
    await client.closed;
    // A request on another connection is handled behind the end of the first.
    expect((await ask(server, 'GET /ok')).status).toBe(200);
    expect(server.output()).not.toContain('ERROR');
  });
});

describe('keys that are guessed', () => {
  let server: TestServer;

  beforeAll(async () => {
    const env = { ...LIMITS, NESTGRAPH_API_KEYS: '' };
    server = await start({ app: './app.mjs:app' }, env, { auth: { path: './auth.mjs:auth' } });
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** The statuses of as many guesses as there may be in a minute, and of one more. */
  async function guess(line: string, key: string, from: string[]): Promise<number[]> {
    const statuses: number[] = [];
    for (let guess = 0; guess <= REQUESTS_PER_MINUTE; guess += 1) {
      statuses.push((await ask(server, line, [...from, `x-api-key: ${key}-${guess}`])).status);
    }
    return statuses;
  }
  const until429 = (status: number): number[] => [...Array<number>(REQUESTS_PER_MINUTE).fill(status), 429];

  it.each([
    'GET /nothing/ok',
    'GET /assistants/info',
    'GET /threads/ok?/info',
    'GET /ok/',
    'GET //ok',
    'GET /OK',
    'GET /threads/%2fok',
    'GET /docs/../threads/ok',
    'POST /ok',
    'DELETE /info',
    'GET /own-auth',
  ])('cost the same at every address: %s', async (line) => {
    const from = newAddress();
    expect(await guess(line, 'wrong', from)).toEqual(until429(401));
    expect((await ask(server, 'GET /threads', [...from, `x-api-key: ${KEY}`])).status).toBe(429);
  });

  it.each([
    ['forbidden', 403],
    ['failing', 500],
  ])('cost the same with every refusal: %s', async (key, status) => {
    expect(await guess('GET /threads', key, newAddress())).toEqual(until429(status));
  });
});

describe('requests of known callers', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start({ mount_prefix: '/lg' }, LIMITS);
  });
  afterAll(async () => {
    await server?.stop();
  });

  const statusesOf = async (line: string): Promise<number[]> => {
    const headers = [...newAddress(), `x-api-key: ${KEY}`];
    const statuses: number[] = [];
    for (let request = 0; request <= REQUESTS_PER_MINUTE; request += 1) {
      statuses.push((await ask(server, line, headers)).status);
    }
    return statuses;
  };

  it.each(['GET /lg/ok', 'GET /lg/info?a=1', 'HEAD /lg/ok', 'GET http://host/lg/%6fk', 'GET /lg/docs/../ok'])(
    'to the routes that load balancers poll are never counted: %s',
    async (line) => {
      expect(new Set(await statusesOf(line))).toEqual(new Set([200]));
    },
  );

  it('to other routes are, whatever they end in', async () => {
    // One caller: the requests of all these lines are counted together.
    const lines = ['GET /ok', 'GET /lg/assistants/info', 'GET /lg/nothing/ok', 'PUT /lg/ok', 'GET /lg/info/'];
    for (const line of lines) {
      await ask(server, line, [...newAddress(), `x-api-key: ${KEY}`]);
    }
    expect(await statusesOf('GET /ok')).toEqual(Array(REQUESTS_PER_MINUTE + 1).fill(429));
  });
});

describe('routes of a custom app that are for known callers', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start({ app: './app.mjs:app', enable_custom_route_auth: true });
  });
  afterAll(async () => {
    await server?.stop();
  });

  it.each([
    '/admin',
    '/docs/../admin',
    '/docs/%2e%2e/admin',
    '/docs\\..\\admin',
    '/ok/../admin',
    '//admin',
    'http://a/docs/../admin',
  ])('cannot be reached as if they were public: %s', async (target) => {
    expect((await ask(server, `GET ${target}`)).status).toBe(401);
    const { status } = await ask(server, `GET ${target}`, ['host: a', `x-api-key: ${KEY}`]);
    expect(status).toBe(200);
  });
});

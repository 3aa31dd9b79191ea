import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { createProject, type Project } from '../support/project.js';
import { killLeftovers, type ServerOptions, startServer, type TestServer } from '../support/server.js';

interface Asked {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** One request with exactly these headers: `fetch` does not let a caller choose its host. */
async function ask(server: TestServer, { method = 'POST', path = '/threads', headers = {}, body = '{}' }: Asked) {
  const request = http.request(server.url + path, { method, headers, agent: false });
  request.end(method === 'POST' ? body : undefined);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const { statusCode: status, headers: answered } = response;
  const code = (await text(response)).match(/"code":"(\w+)"/)?.[1];
  return {
    status,
    code,
    allowed: answered['access-control-allow-origin'],
    ...(headers['access-control-request-private-network'] && {
      isPrivate: answered['access-control-allow-private-network'],
    }),
  };
}

const REFUSED = { status: 403, code: 'origin_refused', allowed: undefined };
const MISNAMED = { status: 403, code: 'host_refused', allowed: undefined };

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase();
  project = await createProject({ graphs: ['steps.ts'] });
});
afterAll(async () => {
  await killLeftovers();
  await project?.remove();
  await database?.drop();
});

const threads = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ count: string }>('SELECT count(*) FROM threads');
  return Number(rows[0].count);
};

/** A server with `http.cors` of its own. */
async function start(cors: object | undefined, options: Omit<ServerOptions, 'database'> = {}): Promise<TestServer> {
  await project.write('langgraph.json', { graphs: { steps: './steps.ts:graph' }, ...(cors && { http: { cors } }) });
  return project.start({ database, ...options });
}

describe('dev without auth', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ database });
  });

  it.each([
    'http://localhost:3000',
    'https://localhost',
    'http://127.0.0.1:5173',
    'http://127.8.8.8:1',
    'http://[::1]:8080',
    'https://smith.langchain.com',
    'https://agentchat.vercel.app',
  ])('lets pages of %s read responses', async (origin) => {
    expect(await ask(server, { headers: { origin } })).toEqual({ status: 200, allowed: origin });
    const preflight = { origin, 'access-control-request-method': 'POST' };
    expect(await ask(server, { method: 'OPTIONS', headers: preflight })).toEqual({ status: 204, allowed: origin });
  });

  it.each([
    'https://example.com',
    'http://localhost.example.com:3000',
    'http://127.0.0.1.example.com',
    'http://10.0.0.1:3000',
    'http://localhost@example.com',
    'http://smith.langchain.com',
    'https://smith.langchain.com.example.com',
    'https://smith.langchain.com:8443',
    'https://other.vercel.app',
    'chrome-extension://abcdefghijklmnop',
    'null',
    '',
  ])('refuses pages of %j, and their requests have no effect', async (origin) => {
    const before = await threads();
    const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded'];
    for (const type of types) {
      expect(await ask(server, { headers: { origin, 'content-type': type } })).toEqual(REFUSED);
    }
    expect(await ask(server, { method: 'GET', path: '/info', headers: { origin } })).toEqual(REFUSED);
    const preflight = { origin, 'access-control-request-method': 'POST' };
    expect(await ask(server, { method: 'OPTIONS', headers: preflight })).toEqual(REFUSED);
    expect(await threads()).toBe(before);
  });

  it('answers private network preflights only for allowed pages', async () => {
    const preflight = (origin: string) => ({
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-private-network': 'true' },
    });
    const studio = 'https://smith.langchain.com';
    expect(await ask(server, preflight(studio))).toEqual({ status: 204, allowed: studio, isPrivate: 'true' });
    expect(await ask(server, preflight('https://example.com'))).toEqual({ ...REFUSED, isPrivate: undefined });
    const deployed = await start(undefined, { command: 'start' });
    expect(await ask(deployed, preflight(studio))).toEqual({ status: 204, allowed: '*', isPrivate: undefined });
    await deployed.stop();
  });

  it.each(['/ok', '/info', '/docs', '/openapi.json', '/metrics', '/nowhere', '/threads/x'])(
    'also hides %s from foreign pages',
    async (path) => {
      expect(await ask(server, { method: 'GET', path, headers: { origin: 'https://example.com' } })).toEqual(REFUSED);
    },
  );

  it('refuses images and scripts of foreign pages, which have no Origin header', async () => {
    const hidden = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    const get = (headers: Record<string, string>) => ask(server, { method: 'GET', path: '/info', headers });
    expect(await get(hidden)).toEqual(REFUSED);
    expect(await get({ ...hidden, referer: 'https://example.com/page' })).toEqual(REFUSED);
    expect(await get({ ...hidden, referer: 'http://localhost:3000/page' })).toMatchObject({ status: 200 });
    // A link to this server may be followed: the page behind it does not read it.
    expect(await get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toMatchObject({ status: 200 });
  });

  it('answers callers without an Origin header', async () => {
    expect(await ask(server, {})).toMatchObject({ status: 200 });
    expect(await ask(server, { headers: { 'sec-fetch-mode': 'cors' } })).toMatchObject({ status: 200 });
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:80', '127.1.2.3', '[::1]:2024', 'localhost.'])(
    'accepts the host %s',
    async (host) => {
      expect(await ask(server, { headers: { host } })).toMatchObject({ status: 200 });
    },
  );

  it.each(['example.com', 'example.com:2024', 'localhost.example.com', '127.0.0.1.nip.io', '10.0.0.1', '0.0.0.0'])(
    'refuses the host %s, with or without an origin',
    async (host) => {
      const before = await threads();
      expect(await ask(server, { headers: { host } })).toEqual(MISNAMED);
      expect(await ask(server, { headers: { host, origin: `http://${host}` } })).toEqual(MISNAMED);
      const allowed = await ask(server, { headers: { host, origin: 'http://localhost:3000' } });
      expect(allowed).toMatchObject({ status: 403, code: 'host_refused' });
      expect(await ask(server, { method: 'GET', path: '/info', headers: { host } })).toEqual(MISNAMED);
      expect(await threads()).toBe(before);
    },
  );
});

describe('the log of dev', () => {
  it('names a refused origin once, with the line of langgraph.json that allows it', async () => {
    const server = await start({ allow_origins: ['https://mine.example.com'] });
    const origin = 'https://other.example.com';
    expect(await ask(server, { headers: { origin } })).toEqual(REFUSED);
    expect(await ask(server, { headers: { origin } })).toEqual(REFUSED);
    const line = '"http": {"cors":{"allow_origins":["https://mine.example.com","https://other.example.com"]}}';
    expect(server.output().split(line)).toHaveLength(2);

    // The logged line works.
    const { http } = JSON.parse(`{${line}}`) as { http: { cors: object } };
    const allowing = await start(http.cors);
    expect(await ask(allowing, { headers: { origin } })).toEqual({ status: 200, allowed: origin });
  });

  it('is bounded when callers invent origins and hosts', async () => {
    const server = await start(undefined);
    for (let at = 0; at < 20; at += 1) {
      await ask(server, { headers: { origin: `https://x${at}.example.com` } });
      await ask(server, { headers: { host: `y${at}.example.com` } });
    }
    expect(server.output().match(/ was refused: this server does not require authentication/g)).toHaveLength(10);
  });

  it('names a refused host, with the variable that allows it', async () => {
    const server = await start(undefined);
    await ask(server, { headers: { host: 'dev.example.com:2024' } });
    expect(server.output()).toContain('NESTGRAPH_ALLOWED_HOSTS=dev.example.com');
    const allowing = await start(undefined, { env: { NESTGRAPH_ALLOWED_HOSTS: 'dev.example.com' } });
    expect(await ask(allowing, { headers: { host: 'dev.example.com:2024' } })).toMatchObject({ status: 200 });
    const origin = 'http://dev.example.com:2024';
    expect(await ask(allowing, { headers: { host: 'dev.example.com:2024', origin } })).toMatchObject({ status: 200 });
  });
});

describe('http.cors in dev without auth', () => {
  const origins = ['https://mine.example.com', 'http://localhost:3000', 'https://other.example.com'];
  const statuses = async (server: TestServer): Promise<(number | undefined)[]> => {
    const answers = await Promise.all(origins.map((origin) => ask(server, { headers: { origin } })));
    return answers.map(({ status }) => status);
  };

  it.each<[string, object, number[]]>([
    [
      'allow_origins adds to the pages of this machine',
      { allow_origins: ['https://mine.example.com'] },
      [200, 200, 403],
    ],
    [
      'allow_origin_regex adds to the pages of this machine',
      { allow_origin_regex: 'https://mine\\..*' },
      [200, 200, 403],
    ],
    ['allow_origins "*" allows any origin', { allow_origins: ['*'] }, [200, 200, 200]],
    ['other settings allow no origin', { allow_credentials: true }, [403, 200, 403]],
  ])('%s', async (_, cors, expected) => {
    expect(await statuses(await start(cors))).toEqual(expected);
  });
});

describe('without the browser guard', () => {
  const foreign = { origin: 'https://example.com', host: 'example.com' };

  it.each<[string, Omit<ServerOptions, 'database'>]>([
    ['start', { command: 'start' }],
    ['dev with auth', { env: { NESTGRAPH_API_KEYS: 'alice:0123456789abcdef' } }],
  ])('%s answers foreign pages', async (_, options) => {
    const server = await start(undefined, options);
    const headers = { ...foreign, 'x-api-key': '0123456789abcdef' };
    expect(await ask(server, { headers })).toEqual({ status: 200, allowed: '*' });
  });

  it('start reads its origins from CORS_ALLOW_ORIGINS, as the official server does', async () => {
    const env = { CORS_ALLOW_ORIGINS: 'https://mine.example.com, https://second.example.com' };
    const server = await start(undefined, { command: 'start', env });
    const mine = { origin: 'https://mine.example.com' };
    expect(await ask(server, { headers: mine })).toEqual({ status: 200, allowed: mine.origin });
    expect(await ask(server, { headers: foreign })).toEqual({ status: 200, allowed: undefined });
  });
});

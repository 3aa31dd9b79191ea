import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { runToEnd, startServer, type TestServer } from '../support/server.js';

const KEYS = {
  alice: 'alice-key-0123456789',
  aliceNew: 'alice-new-0123456789',
  bob: 'bob-key-0123456789ab',
  unnamed: 'a-key-without-a-name',
};
const AUDIENCE = 'nestgraph';

/** The parts of the document that say who may call. */
interface OpenApi {
  components: { securitySchemes?: object };
  security?: object[];
  paths: Record<string, Record<string, { security?: object[] }>>;
}

let database: TestDatabase;
let provider: Server;
let issuer: string;
let folder: string;
const pairs = { good: generateKeyPair('RS256'), other: generateKeyPair('RS256') };

beforeAll(async () => {
  database = await createDatabase();
  const { publicKey } = await pairs.good;
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] });
  provider = createServer((request, response) => {
    const discovery = { issuer, jwks_uri: `${issuer}/keys` };
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/keys' ? jwks : JSON.stringify(discovery));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-jwks-'));
  writeFileSync(path.join(folder, 'jwks.json'), jwks);
});
afterAll(async () => {
  provider.close();
  rmSync(folder, { recursive: true });
  await database.drop();
});

async function tokenOf(
  payload: JWTPayload,
  { key = 'good', expires = '5m', alg = 'RS256' }: { key?: keyof typeof pairs; expires?: string; alg?: string } = {},
): Promise<string> {
  const { privateKey } = await pairs[key];
  const token = new SignJWT({ iss: issuer, aud: AUDIENCE, ...payload })
    .setProtectedHeader({ alg, kid: 'k' })
    .setIssuedAt();
  return (expires ? token.setExpirationTime(expires) : token).sign(privateKey);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** The identity of the caller, read from the owner of a thread that it creates. */
async function identityOf(server: TestServer, headers: Record<string, string>): Promise<unknown> {
  const { status, json } = await sendJson(`${server.url}/threads`, {}, { headers });
  return status === 200 ? (json as { metadata: { owner: unknown } }).metadata.owner : status;
}

describe('API keys', () => {
  let server: TestServer;

  beforeAll(async () => {
    const { alice, aliceNew, bob, unnamed } = KEYS;
    const NESTGRAPH_API_KEYS = `alice:${alice}, alice:${aliceNew},bob:${bob},${unnamed}`;
    server = await startServer({ database, env: { NESTGRAPH_API_KEYS } });
  });
  afterAll(() => server.stop());

  it.each([
    ['the header of the SDKs', { 'x-api-key': KEYS.alice }, 'alice'],
    ['another key of the same user', { 'x-api-key': KEYS.aliceNew }, 'alice'],
    ['the Authorization header', bearer(KEYS.bob), 'bob'],
    ['a key without a name', { 'x-api-key': KEYS.unnamed }, 'api-key'],
  ])('are accepted from %s', async (_, headers, identity) => {
    expect(await identityOf(server, headers as Record<string, string>)).toBe(identity);
  });

  it.each([
    ['no key', {}],
    ['an unknown key', { 'x-api-key': `${KEYS.alice}x` }],
    ['a prefix of a key', { 'x-api-key': KEYS.alice.slice(0, -1) }],
    ['an empty key', { 'x-api-key': '' }],
    ['a name', { 'x-api-key': 'alice' }],
    ['a name with its key', { 'x-api-key': `alice:${KEYS.alice}` }],
    ['a key as a password', { authorization: `Basic ${Buffer.from(`alice:${KEYS.alice}`).toString('base64')}` }],
    ["Studio's header", { 'x-auth-scheme': 'langsmith' }],
  ])('are required: a request with %s gets 401', async (_, headers) => {
    expect(await identityOf(server, headers as Record<string, string>)).toBe(401);
  });

  it('isolate users from each other', async () => {
    const [alice, bob] = [KEYS.alice, KEYS.bob].map((key) => ({ 'x-api-key': key }));
    const { json } = await sendJson(`${server.url}/threads`, {}, { headers: alice });
    const { thread_id } = json as { thread_id: string };
    expect((await send(`${server.url}/threads/${thread_id}`, { headers: bob })).status).toBe(404);
    expect((await send(`${server.url}/threads/${thread_id}`, { headers: alice })).status).toBe(200);
    const put = (headers: Record<string, string>, namespace: string[]) =>
      sendJson(`${server.url}/store/items`, { namespace, key: 'k', value: {} }, { method: 'PUT', headers });
    expect((await put(alice, ['alice', 'notes'])).status).toBe(204);
    expect((await put(bob, ['alice', 'notes'])).status).toBe(403);
    const listed = await sendJson(`${server.url}/store/namespaces`, {}, { headers: bob });
    expect(listed.json).toEqual({ namespaces: [] });
    expect((await sendJson(`${server.url}/store/namespaces`, {}, { headers: alice })).json).toEqual({
      namespaces: [['alice', 'notes']],
    });
  });

  it('let every user find and read system assistants, but not change or imitate them', async () => {
    const alice = { 'x-api-key': KEYS.alice };
    const get = async (route: string) => (await send(server.url + route, { headers: alice })).status;
    const post = (route: string, body: object, method = 'POST') =>
      sendJson(server.url + route, body, { method, headers: alice });
    const { json } = await post('/assistants/search', { graph_id: 'steps' });
    expect(json).toEqual([expect.objectContaining({ name: 'steps', metadata: { created_by: 'system' } })]);
    expect((await post('/assistants/count', { graph_id: 'steps' })).json).toBe(1);
    expect(await Promise.all(['', '/graph', '/schemas'].map((of) => get(`/assistants/steps${of}`)))).toEqual([
      200, 200, 200,
    ]);
    expect((await post('/assistants/steps', { name: 'mine' }, 'PATCH')).status).toBe(404);
    const imitation = { graph_id: 'steps', metadata: { created_by: 'system' } };
    expect((await post('/assistants', imitation)).status).toBe(403);
  });

  it('are documented for Swagger UI, except on public routes', async () => {
    const { json } = await send(`${server.url}/openapi.json`);
    const document = json as OpenApi;
    expect(document.components.securitySchemes).toEqual({
      ApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      Bearer: { type: 'http', scheme: 'bearer' },
    });
    expect(document.security).toEqual([{ ApiKey: [] }, { Bearer: [] }]);
    expect(document.paths['/ok'].get.security).toEqual([]);
    expect(document.paths['/threads'].post.security).toBeUndefined();
  });

  it('are not logged', () => {
    Object.values(KEYS).forEach((key) => expect(server.output()).not.toContain(key));
  });
});

describe.each(['discovery', 'a file'])('tokens with keys from %s', (source) => {
  let server: TestServer;

  beforeAll(async () => {
    const jwks: Record<string, string> =
      source === 'a file' ? { NESTGRAPH_JWT_JWKS: path.join(folder, 'jwks.json') } : {};
    const env = { NESTGRAPH_JWT_ISSUER: issuer, NESTGRAPH_JWT_AUDIENCE: AUDIENCE, ...jwks };
    server = await startServer({ database, env: { ...env, NESTGRAPH_API_KEYS: `bob:${KEYS.bob}` } });
  });
  afterAll(() => server.stop());

  it('identify callers, alongside API keys', async () => {
    expect(await identityOf(server, bearer(await tokenOf({ sub: 'carol' })))).toBe('carol');
    expect(await identityOf(server, { 'x-api-key': KEYS.bob })).toBe('bob');
  });

  it('pass permissions and claims to graphs', async () => {
    const headers = bearer(await tokenOf({ sub: 'carol', scope: 'read write', name: 'Carol', team: 'birds' }));
    const { json } = await sendJson(`${server.url}/runs/wait`, { assistant_id: 'settings', input: {} }, { headers });
    expect(json).toMatchObject({
      configurable: {
        langgraph_auth_user: { identity: 'carol', display_name: 'Carol', claims: { team: 'birds' } },
        langgraph_auth_permissions: ['read', 'write'],
      },
    });
  });

  it.each<[string, () => Promise<string>]>([
    ['for another service', () => tokenOf({ sub: 'carol', aud: 'other' })],
    ['of another issuer', () => tokenOf({ sub: 'carol', iss: 'http://evil.example' })],
    ['that has expired', () => tokenOf({ sub: 'carol' }, { expires: '-1s' })],
    ['that never expires', () => tokenOf({ sub: 'carol' }, { expires: '' })],
    ['signed with an unknown key', () => tokenOf({ sub: 'carol' }, { key: 'other' })],
    ['without a subject', () => tokenOf({})],
    ['whose subject is not a string', () => tokenOf({ sub: 7 as never })],
    ['without a signature', () => Promise.resolve(`${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ sub: 'carol', iss: issuer, aud: AUDIENCE, exp: 9e9 }))}.`)], // prettier-ignore
    [
      'signed with the public key as a secret',
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(await exportJWK((await pairs.good).publicKey)));
        const claims = { sub: 'carol', iss: issuer, aud: AUDIENCE };
        return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k' }).setExpirationTime('5m').sign(secret);
      },
    ],
    ['that are malformed', () => Promise.resolve('nonsense')],
  ])('%s are rejected', async (_, make) => {
    const response = await send(`${server.url}/assistants/steps`, { headers: bearer(await make()) });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });
});

describe('the start', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['short keys', { NESTGRAPH_API_KEYS: 'alice:short' }, /at least 16 characters/],
    ['an issuer without an audience', { NESTGRAPH_JWT_ISSUER: 'https://a.example' }, /NESTGRAPH_JWT_AUDIENCE/],
    ['an audience without an issuer', { NESTGRAPH_JWT_AUDIENCE: 'a' }, /NESTGRAPH_JWT_ISSUER/],
  ])('fails with %s', async (_, env, message) => {
    const { code, output } = await runToEnd(['dev', '--port', '0'], { database, env });
    expect(code).not.toBe(0);
    expect(output).toMatch(message);
  });

  it.each<[string, object, Record<string, string>, RegExp]>([
    ['a missing file', { path: './none.ts:auth' }, {}, /none\.ts/],
    ['a missing export', { path: './auth.ts:other' }, {}, /no export "other"/],
    ['an export that is not an Auth object', { path: './auth.ts:notAuth' }, {}, /expected an Auth object/],
    ['API keys beside it', { path: './auth.ts:auth' }, { NESTGRAPH_API_KEYS: KEYS.alice }, /cannot be used together/],
  ])('fails with auth.path and %s', async (_, auth, env, message) => {
    const project = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-auth-'));
    const graphs = { steps: path.resolve(import.meta.dirname, '../graphs/steps.ts:graph') };
    writeFileSync(path.join(project, 'langgraph.json'), JSON.stringify({ graphs, auth }));
    writeFileSync(
      path.join(project, 'auth.ts'),
      'export const auth = { "~handlerCache": {} }; export const notAuth = 7;',
    );
    const { code, output } = await runToEnd(['dev', '--port', '0'], { database, env, project });
    rmSync(project, { recursive: true });
    expect(code).not.toBe(0);
    expect(output).toMatch(message);
  });
});

describe('the example of docs/auth.md', () => {
  const ROOT = path.resolve(import.meta.dirname, '../..');
  let project: string;
  let server: TestServer;

  beforeAll(async () => {
    const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(ROOT, 'docs/auth.md'), 'utf8'))!;
    // Inside the repository, where the SDK is found.
    const cache = path.join(ROOT, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    project = mkdtempSync(path.join(cache, 'auth-example-'));
    const graphs = { steps: path.join(ROOT, 'test/graphs/steps.ts:graph') };
    writeFileSync(path.join(project, 'langgraph.json'), JSON.stringify({ graphs, auth: { path: './auth.ts:auth' } }));
    writeFileSync(path.join(project, 'auth.ts'), example);
    server = await startServer({ database, project });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(project, { recursive: true });
  });

  it('isolates users from each other', async () => {
    const [alice, bob] = ['token-of-alice', 'token-of-bob'].map(bearer);
    expect(await identityOf(server, bearer('other'))).toBe(401);
    expect(await identityOf(server, alice)).toBe('alice');
    const { json } = await sendJson(`${server.url}/threads`, { metadata: { a: 1 } }, { headers: alice });
    const { thread_id, metadata } = json as { thread_id: string; metadata: object };
    expect(metadata).toEqual({ a: 1, owner: 'alice' });
    expect((await send(`${server.url}/threads/${thread_id}`, { headers: bob })).status).toBe(404);
    const run = { assistant_id: 'steps', input: {} };
    expect((await sendJson(`${server.url}/threads/${thread_id}/runs/wait`, run, { headers: bob })).status).toBe(404);
    expect((await sendJson(`${server.url}/threads/${thread_id}/runs/wait`, run, { headers: alice })).status).toBe(200);
    const put = (headers: Record<string, string>) =>
      sendJson(`${server.url}/store/items`, { namespace: ['alice'], key: 'k', value: {} }, { method: 'PUT', headers });
    expect([(await put(bob)).status, (await put(alice)).status]).toEqual([403, 204]);
  });
});

describe('auth.openapi of langgraph.json', () => {
  it('sets the security schemes of the document, below the mount prefix and on custom routes', async () => {
    const project = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-auth-openapi-'));
    const ROOT = path.resolve(import.meta.dirname, '../..');
    const login = {
      type: 'oauth2',
      flows: { implicit: { authorizationUrl: 'https://a.example/', scopes: { me: 'me' } } },
    };
    const openapi = {
      securitySchemes: { Login: login },
      security: [{ Login: ['me'] }],
      paths: { '/threads': { POST: [{ Login: ['write'] }] }, '/own': { get: [] } },
    };
    const auth = { path: path.join(ROOT, 'test/auth/auth.ts:auth'), openapi };
    const graphs = { steps: path.join(ROOT, 'test/graphs/steps.ts:graph') };
    const file = JSON.stringify({ graphs, auth, http: { mount_prefix: '/api' } });
    writeFileSync(path.join(project, 'langgraph.json'), file);
    const { code, output } = await runToEnd(['openapi'], { database, project });
    rmSync(project, { recursive: true });
    expect(code).toBe(0);
    const document = JSON.parse(output) as OpenApi;
    expect(document.components.securitySchemes).toEqual({ Login: login });
    expect(document.security).toEqual([{ Login: ['me'] }]);
    expect(document.paths['/api/threads'].post.security).toEqual([{ Login: ['write'] }]);
    expect(document.paths['/api/threads'].post).toHaveProperty('operationId');
    expect(document.paths['/api/own'].get.security).toEqual([]);
    expect(document.paths['/api/info'].get.security).toEqual([]);
  });
});

import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { send, sendJson } from '../support/http.js';
import { connectRaw } from '../support/raw-client.js';
import { open } from '../support/raw-response.js';
import { createDatabase } from '../support/database.js';
import { runToEnd, TEST_PROJECT } from '../support/server.js';
import { type Client, collect, connect, dataOf, recordingClient, SDKS, serverForFile } from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const config = (name: string): string[] => ['--config', `custom-${name}.json`];

const server = serverForFile({ args: config('app'), env: { NESTGRAPH_BODY_LIMIT_MB: '1' } });

const get = (path: string, headers: Record<string, string> = {}) => send(server.url + path, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  sendJson(server.url + path, body, { headers });

const CHUNKED = 'POST /custom/echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n';

describe('a route of the app', () => {
  it('returns the status and headers of the app', async () => {
    const { status, json, headers } = await get('/custom/hello?name=Polly');

    expect(status).toBe(201);
    expect(json).toEqual({ hello: 'Polly', url: `${server.url}/custom/hello?name=Polly` });
    expect(headers.get('x-custom')).toBe('yes');
    expect(headers.get('x-after')).toBe('after');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  it('also has the CORS and x-request-id headers of the server', async () => {
    const origin = 'http://localhost:3000';
    const { headers } = await get('/custom/hello', { origin, 'x-request-id': 'mine' });

    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('x-request-id')).toBe('mine');
  });

  it('takes precedence over routes of the server', async () => {
    expect((await get('/runs/afakeroute')).json).toEqual({ fake: true });
  });

  it('may return an error, and may throw', async () => {
    const refused = await get('/custom/error');
    expect([refused.status, refused.text]).toEqual([400, 'Bad parrot']);
    expect((await get('/custom/broken')).status).toBe(500);
  });

  it('accepts any body, byte for byte', async () => {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array([0, 255, 128])]), 'a.bin');
    const upload = await send(`${server.url}/custom/upload`, { method: 'POST', body: form });
    expect(upload.json).toEqual({ name: 'a.bin', bytes: [0, 255, 128] });

    const bytes = Buffer.alloc(300_000, 7);
    const echo = await fetch(`${server.url}/custom/echo`, { method: 'POST', body: bytes });
    expect(Buffer.from(await echo.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('refuses a body above the limit', async () => {
    const { status, json } = await send(`${server.url}/custom/echo`, {
      method: 'POST',
      body: 'x'.repeat(1024 * 1024 + 1),
    });
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'body_too_large' });

    const client = await connectRaw(server.url, CHUNKED);
    for (let chunk = 0; chunk < 20; chunk++) {
      client.write(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    }
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 413 [^]*body_too_large/);
  });

  it('may leave a body unread or read a part of it, and the connection remains usable', async () => {
    const request = (path: string, body: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    for (const path of ['/custom/unread', '/custom/part']) {
      const client = await connectRaw(server.url, request(path, 'x'.repeat(900_000)));
      await client.until(/enough/);
      client.write(request('/threads/count', '{}'));
      await client.until(/enough[^]*HTTP\/1\.1 200 OK[^]*\r\n\r\n\d+/);
      client.leave();
    }
  });

  it('streams each chunk as it is written', async () => {
    const response = await open(`${server.url}/custom/chunks`);
    for (let chunk = 0; chunk < 4; chunk++) {
      // The next chunk is requested only after the previous one was read.
      await response.until(new RegExp(`chunk ${chunk}\n$`));
      await send(`${server.url}/custom/chunks`, { method: 'POST' });
    }
    expect(await response.ended).toBe('chunk 0\nchunk 1\nchunk 2\nchunk 3\n');
  });

  it('is notified when its client disconnects', async () => {
    const response = await open(`${server.url}/custom/endless`);
    await response.until(/on and on/);
    response.leave();
    await askUntil(
      async () => (await get('/custom/cancelled')).json,
      (cancelled) => cancelled === 1,
    );
  });

  it('may call this server through a client without an address', async () => {
    expect((await get('/custom/client')).json).toEqual({ answer: { path: ['one', 'two', 'three'] } });
  });

  it('answers HEAD without a body', async () => {
    const { status, text } = await send(`${server.url}/custom/hello`, { method: 'HEAD' });
    expect([status, text]).toEqual([201, '']);
  });
});

describe('a request without a route in the app', () => {
  it('gets 404 from the server when the server has no route either', async () => {
    const { status, json } = await get('/custom/nowhere');
    expect(status).toBe(404);
    expect(json).toMatchObject({ code: 'not_found' });
  });

  it('leaves preflights to the server', async () => {
    const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST', 'x-stop': '1' };
    const { status } = await send(`${server.url}/runs/wait`, { method: 'OPTIONS', headers });
    expect(status).toBe(204);
  });

  it.each(['/threads', '/runs/wait'])('is refused by the server when its body is not JSON: %s', async (path) => {
    for (const headers of [{}, { 'x-look-at-text': '1' }, { 'x-into-config': '1' }] as Record<string, string>[]) {
      const { status, json } = await send(server.url + path, { method: 'POST', body: '{"a"', headers });
      // A middleware that reads a body that is not JSON fails itself.
      expect(status).toBe(headers['x-into-config'] ? 500 : 422);
      expect(json ?? { code: 'malformed_json' }).toMatchObject({ code: 'malformed_json' });
    }
  });

  it('has the same body limit', async () => {
    for (const headers of [{}, { 'x-look-at-text': '1' }] as Record<string, string>[]) {
      const { status } = await post('/threads', { metadata: { a: 'x'.repeat(1024 * 1024) } }, headers);
      expect(status).toBe(413);
    }
  });

  it('keeps its whole body when the app has read it', async () => {
    const metadata = { text: 'ä€😀'.repeat(20_000), number: 1e300 };
    const { json } = await post('/threads', { metadata }, { 'x-look-at-text': '1' });
    expect(json).toMatchObject({ metadata });
  });
});

describe.each(SDKS)('the middleware of the app, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  it('adds headers to responses of the server', async () => {
    const recording = recordingClient(Client, server.url);
    await recording.client.threads.create();
    await collect(recording.client.runs.stream(null, 'tokens', { input: { messages: [] } }) as never);
    await recording.client.runs.wait(null, 'steps', { input: {} });
    for (const { headers } of recording.responses) {
      expect([headers.get('x-before'), headers.get('x-after')]).toEqual(['before', 'after']);
      expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      expect(headers.get('x-nestgraph-passed')).toBeNull();
    }
    expect(recording.responses).toHaveLength(3);
  });

  it('changes the body that routes of the server get', async () => {
    const changing = connect(Client, server.url, { 'x-into-config': 'from a header' });
    const seen = { configurable: expect.objectContaining({ from_middleware: 'from a header' }) };
    expect(await changing.runs.wait(null, 'settings', { input: {} })).toMatchObject(seen);
    const parts = await collect(changing.runs.stream(null, 'settings', { input: {} }) as never);
    expect(dataOf(parts, 'values').at(-1)).toMatchObject(seen);
    const plain = (await client.runs.wait(null, 'settings', { input: {} })) as { configurable: object };
    expect(plain.configurable).not.toHaveProperty('from_middleware');
  });

  it('may respond instead of a route of the server, which then has no effect', async () => {
    const before = await client.threads.count();
    const stopped = connect(Client, server.url, { 'x-stop': '1' });
    await expect(stopped.threads.create()).rejects.toMatchObject({ status: 403 });
    expect(await client.threads.count()).toBe(before);
  });

  it('does not change errors of the server', async () => {
    await expect(client.runs.wait(null, 'parrot', { input: {} })).rejects.toMatchObject({ status: 404 });
  });

  it('receives webhooks to paths of this server', async () => {
    const run = await client.runs.create(null, 'steps', { input: {}, webhook: '/custom/webhook' });
    const hook = await askUntil(
      async () => (await get('/custom/webhook')).json as { run_id: string } | null,
      (payload) => payload?.run_id === run.run_id,
    );
    expect(hook).toMatchObject({ status: 'success', values: { path: ['one', 'two', 'three'] } });
  });
});

describe.each(['function', 'object'])('an app that is a mere %s', (kind) => {
  const plain = serverForFile({ args: config(kind) });

  it('responds on its own routes', async () => {
    const { status, text, headers } = await send(`${plain.url}/custom/hello`);
    expect([status, text, headers.get('x-custom')]).toEqual([200, 'hello', 'function']);
  });

  it('passes requests on that it answers with 404, including their bodies', async () => {
    const { json } = await sendJson(`${plain.url}/threads`, { metadata: { a: 1 } });
    expect(json).toMatchObject({ metadata: { a: 1 } });
    expect((await send(`${plain.url}/nowhere`)).json).toMatchObject({ code: 'not_found' });
  });
});

describe('an app below a mount prefix', () => {
  const below = serverForFile({ args: config('prefix') });

  it('serves its routes below the prefix and gets paths without it', async () => {
    const { json } = await send(`${below.url}/custom/hello?name=Polly`);
    const origin = below.url.replace(/\/lg$/, '');
    expect(below.url).toMatch(/\/lg$/);
    expect(json).toEqual({ hello: 'Polly', url: `${origin}/custom/hello?name=Polly` });
    expect((await send(`${below.url}/ok`)).headers.get('x-after')).toBe('after');
    expect((await send(`${origin}/custom/hello`)).status).toBe(404);
  });
});

describe('an app that cannot be used', () => {
  it.each([
    ['./web/app.ts:parrot', 'it has no export "parrot"; it exports'],
    ['./web/app.ts:nothing', 'expected an app with a method fetch(request)'],
    ['./web/nowhere.ts:app', 'nowhere.ts'],
  ])('stops the start: %s', async (app, reason) => {
    const file = path.join(TEST_PROJECT, `custom-broken-${process.pid}.json`);
    await writeFile(file, JSON.stringify({ graphs: { steps: './steps.ts:graph' }, http: { app } }));
    const database = await createDatabase();
    try {
      const { code, output } = await runToEnd(['dev', '--port', '0', '--config', file], { database });
      expect(code).toBe(1);
      expect(output).toContain('Cannot load the custom routes of http.app');
      expect(output).toContain(reason);
      expect(output).not.toContain('    at ');
    } finally {
      await database.drop();
      await rm(file);
    }
  });
});

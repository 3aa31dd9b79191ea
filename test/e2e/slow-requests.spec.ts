import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { connectRaw, type RawClient } from '../support/raw-client.js';
import { open } from '../support/raw-response.js';
import { newGate } from '../support/sdk.js';
import { killLeftovers, startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 2_000;
/** Until the server has looked for late requests once more, and then some. */
const AT_LAST_MS = 2 * TIMEOUT_MS + 2_000;

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({ database, env: { NESTGRAPH_REQUEST_TIMEOUT_SECS: String(TIMEOUT_MS / 1000) } });
});
afterAll(async () => {
  await server?.stop();
  await killLeftovers();
  await database?.drop();
});

const REQUEST = 'POST /threads HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

/** The body of the only answer on a connection. */
const answerOf = (client: RawClient): unknown => JSON.parse(client.text().split('\r\n\r\n')[1]);

describe('a request that does not arrive', () => {
  it.each([
    ['nothing at all is sent', ''],
    ['its headers do not end', REQUEST],
    ['its body does not end', `${REQUEST}content-length: 100\r\n\r\n{"metadata`],
    ['its chunks do not end', `${REQUEST}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
  ])('ends its connection with 408: %s', async (_name, begin) => {
    const client = await connectRaw(server.url, begin);

    expect(await client.closed).toBeLessThan(AT_LAST_MS);
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 /);
    expect(answerOf(client)).toEqual({ code: 'request_timeout', detail: expect.stringContaining('TIMEOUT_SECS') });
  });

  it.each([
    ['headers', REQUEST, 'x-a: b\r\n'],
    ['a body', `${REQUEST}content-length: 100000\r\n\r\n`, ' '],
  ])('does so too when %s keep coming byte by byte', async (_name, begin, more) => {
    const client = await connectRaw(server.url, begin);
    const drops = setInterval(() => client.write(more), 100);
    const lasted = await client.closed;
    clearInterval(drops);

    expect(lasted).toBeLessThan(AT_LAST_MS);
  });

  it('does not hold up others', async () => {
    const slow = await Promise.all(Array.from({ length: 200 }, () => connectRaw(server.url, REQUEST)));
    const { status } = await fetch(`${server.url}/ok`);
    expect(status).toBe(200);
    await Promise.all(slow.map(({ closed }) => closed));
  });

  it('changes nothing', async () => {
    const count = async (): Promise<unknown> =>
      (await fetch(`${server.url}/threads/count`, { method: 'POST', body: '{}' })).json();
    const before = await count();
    const client = await connectRaw(server.url, `${REQUEST}content-length: 10\r\n\r\n{}`);
    await client.closed;
    expect(await count()).toEqual(before);
  });
});

describe('an answer that takes longer than a request may', () => {
  it.each(['stream', 'wait'])('arrives whole: %s', async (mode) => {
    const gate = newGate();
    const body = { assistant_id: 'waiting', input: { gate: gate.path, label: 'a' } };
    const response = await open(`${server.url}/runs/${mode}`, body);
    // These two are cut off, one after the other, while the answer above is under way.
    await (
      await connectRaw(server.url, REQUEST)
    ).closed;
    await (
      await connectRaw(server.url, REQUEST)
    ).closed;
    gate.open();

    expect(await response.ended).not.toContain('error');
  });
});

describe('what is no request', () => {
  it.each([
    ['noise', 'hello?\r\n\r\n', 400, 'bad_request'],
    ['two lengths', `${REQUEST}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400, 'bad_request'],
    [
      'a length and chunks',
      `${REQUEST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['a header with a line break in its name', `${REQUEST}x\ny: z\r\n\r\n`, 400, 'bad_request'],
    ['headers without end', `${REQUEST}x: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('is refused in our words: %s', async (_name, text, status, code) => {
    const client = await connectRaw(server.url, text);
    await client.closed;

    expect(client.text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answerOf(client)).toEqual({ code, detail: expect.any(String) });
  });
});

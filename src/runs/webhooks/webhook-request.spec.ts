import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Received, type Receiver, startReceiver } from '../../../test/support/receiver.js';
import { type Attempt, sendWebhook, type WebhookRequest } from './webhook-request.js';

let receiver: Receiver;
let answer: (request: Received) => void;

beforeEach(async () => {
  answer = ({ response }) => response.end();
  receiver = await startReceiver((request) => answer(request));
});
afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await receiver.close();
});

const send = (url: string, rest: Partial<WebhookRequest> = {}): Promise<Attempt> =>
  sendWebhook({
    url: new URL(url),
    headers: { 'content-type': 'application/json' },
    body: '{"ä":1}',
    ipRefusal: () => undefined,
    signal: new AbortController().signal,
    ...rest,
  });

const status = (code: number, headers: Record<string, string> = {}): void => {
  answer = ({ response }) => response.writeHead(code, headers).end();
};

/** Timeouts fire only when the test advances the clock; the network runs in real time. */
const stopTime = () => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });

describe('a webhook request', () => {
  it('is a POST with the body and the headers', async () => {
    expect(await send(`${receiver.url}/hook?a=1#part`, { headers: { 'x-a': 'b' } })).toEqual({ result: 'delivered' });
    const { host } = new URL(receiver.url);
    expect(receiver.received).toMatchObject([
      { method: 'POST', path: '/hook?a=1', body: '{"ä":1}', headers: { 'x-a': 'b', host, 'content-length': '8' } },
    ]);
  });

  it('prefers the credentials of its URL over the authorization header for all receivers', async () => {
    const url = receiver.url.replace('//', '//user:p%40ss@');
    await send(url, { headers: { authorization: 'Bearer x' } });
    await send(receiver.url, { headers: { authorization: 'Bearer x' } });
    const [own, common] = receiver.received.map(({ headers }) => headers.authorization);
    expect(own).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
    expect(common).toBe('Bearer x');
  });

  it.each([200, 201, 202, 204])('is delivered when the response is %i', async (code) => {
    status(code);
    expect(await send(receiver.url)).toEqual({ result: 'delivered' });
  });

  it.each([408, 409, 425, 429, 500, 502, 503, 504])(
    'fails and can be retried when the response is %i',
    async (code) => {
      status(code, { 'retry-after': '7' });
      expect(await send(receiver.url)).toEqual({ result: 'failed', reason: `HTTP ${code}`, retry_after_ms: 7_000 });
    },
  );

  it.each([400, 401, 403, 404, 410, 422])('is refused when the response is %i', async (code) => {
    status(code);
    expect(await send(receiver.url)).toEqual({ result: 'refused', reason: `HTTP ${code}` });
  });

  it.each([301, 302, 303, 307, 308])(
    'is refused when the response is %i, and does not follow the redirect',
    async (code) => {
      status(code, { location: `${receiver.url}/elsewhere` });
      expect(await send(receiver.url)).toEqual({
        result: 'refused',
        reason: `HTTP ${code}; redirects are not followed`,
      });
      expect(receiver.received).toHaveLength(1);
    },
  );

  it('ends after the response headers, even if the body never ends', async () => {
    stopTime();
    answer = ({ response }) => {
      const write = (): void => {
        for (let more = true; more && !response.destroyed;) {
          more = response.write('x'.repeat(1_000));
        }
      };
      response.on('drain', write).on('error', () => undefined);
      write();
    };
    expect(await send(receiver.url)).toEqual({ result: 'delivered' });
  });

  it('ends after the response headers, even if the body never arrives', async () => {
    stopTime();
    answer = ({ response }) => response.writeHead(200).flushHeaders();
    const requests = jest.spyOn(http, 'request');
    const attempt = send(receiver.url);
    await once(requests.mock.results[0].value as http.ClientRequest, 'response');
    jest.advanceTimersByTime(1_000);
    expect(await attempt).toEqual({ result: 'delivered' });
  });

  it('fails and can be retried when no server listens', async () => {
    const { url } = receiver;
    await receiver.close();
    const attempt = await send(url);
    receiver = await startReceiver();
    expect(attempt).toEqual({ result: 'failed', reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('fails and can be retried when the host name is unknown', async () => {
    // Too long for the DNS, so the local resolver rejects it.
    expect(await send(`http://${'x'.repeat(64)}.invalid/`)).toEqual({
      result: 'failed',
      reason: expect.stringContaining('getaddrinfo'),
    });
  });

  it('fails and can be retried when the connection breaks', async () => {
    answer = ({ response }) => response.socket!.destroy();
    expect(await send(receiver.url)).toMatchObject({ result: 'failed' });
  });

  it('fails and can be retried when the response is not HTTP', async () => {
    const server = net.createServer((socket) => socket.end('hello\r\n\r\n').on('error', () => undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    expect(await send(`http://127.0.0.1:${port}`)).toMatchObject({ result: 'failed' });
    server.close();
  });

  it('is aborted by its signal', async () => {
    const abort = new AbortController();
    answer = () => abort.abort();
    expect(await send(receiver.url, { signal: abort.signal })).toMatchObject({ result: 'failed' });
    expect(await send(receiver.url, { signal: abort.signal })).toMatchObject({ result: 'failed' });
    expect(receiver.received).toHaveLength(1);
  });

  it('waits at most ten seconds for the response', async () => {
    stopTime();
    answer = () => undefined;
    const attempt = send(receiver.url);
    await receiver.until(() => true);
    jest.advanceTimersByTime(9_999);
    expect(receiver.received[0].response.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await attempt).toEqual({ result: 'failed', reason: 'the response took longer than 10 s' });
  });

  it('waits at most ten seconds for the connection', async () => {
    stopTime();
    // The server never starts the TLS handshake.
    const server = net.createServer((socket) => socket.on('error', () => undefined).resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const attempt = send(`https://127.0.0.1:${port}`);
    await once(server, 'connection');
    jest.advanceTimersByTime(10_000);
    expect(await attempt).toEqual({ result: 'failed', reason: 'the connection took longer than 10 s' });
    server.close();
  });
});

describe('the addresses that a host name resolves to', () => {
  const byName = (): string => receiver.url.replace('127.0.0.1', 'localhost');

  it('refuse the request without a connection when all of them are refused', async () => {
    const attempt = await send(byName(), { ipRefusal: (ip) => `${ip} is private` });
    expect(attempt).toEqual({
      result: 'refused',
      reason: expect.stringMatching(/^localhost must not be called: .*127\.0\.0\.1 is private/),
    });
    expect(receiver.received).toEqual([]);
  });

  it('are called only if they are allowed', async () => {
    const ipRefusal = (ip: string) => (ip === '127.0.0.1' ? undefined : 'private');
    expect(await send(byName(), { ipRefusal })).toEqual({ result: 'delivered' });
  });

  it('are resolved once, by the connection itself', async () => {
    const asked: string[] = [];
    await send(byName(), { ipRefusal: (ip) => void asked.push(ip) });
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toContain('127.0.0.1');
  });
});

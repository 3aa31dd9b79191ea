import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { destroyStalledResponse } from './slow-clients.js';

const UNREAD_MS = 100;

describe('a client that does not read its response', () => {
  let server: http.Server;
  let answer: (response: http.ServerResponse) => void;

  beforeEach(async () => {
    server = http.createServer({ keepAliveTimeout: 3 * UNREAD_MS, highWaterMark: 1024 }, (_request, response) => {
      destroyStalledResponse(response, UNREAD_MS);
      answer(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  function request(): net.Socket {
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    return socket;
  }

  it('is disconnected', async () => {
    const size = 50_000_000;
    const dropped = new Promise<void>((resolve) => {
      answer = (response) => {
        response.once('close', resolve);
        response.end('x'.repeat(size));
      };
    });
    const socket = request();
    socket.pause();
    await dropped;
    let taken = 0;
    socket.on('data', (chunk) => (taken += chunk.length));
    socket.resume();
    await once(socket, 'close');
    expect(taken).toBeLessThan(size);
  });

  it('is distinguished from one that waits for a slow response', async () => {
    answer = (response) => setTimeout(() => response.end('at last'), 5 * UNREAD_MS);
    const socket = request();
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    await once(socket, 'close');
    expect(text).toContain('at last');
  });

  it('is distinguished from one that reads slowly', async () => {
    const size = 3_000_000;
    answer = (response) => response.end('x'.repeat(size));
    const socket = request();
    let taken = 0;
    socket.on('data', (chunk) => {
      taken += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    });
    await once(socket, 'close');
    expect(taken).toBeGreaterThan(size);
  });
});

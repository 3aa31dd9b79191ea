import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { onClose } from './on-close.js';

describe('onClose', () => {
  const server = createServer();

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => void server.close());

  /** A response whose client can leave. */
  async function answer(): Promise<{ response: ServerResponse; leave: () => void }> {
    const client = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.end();
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    return { response, leave: () => client.destroy() };
  }

  it('calls back when the client disconnects', async () => {
    const { response, leave } = await answer();
    const closed = new Promise<void>((resolve) => onClose(response, resolve));
    leave();
    await closed;
  });

  it('calls back if the client has already disconnected', async () => {
    const { response, leave } = await answer();
    leave();
    await once(response, 'close');
    let isCalled = false;
    onClose(response, () => {
      isCalled = true;
    });
    await Promise.resolve();
    expect(isCalled).toBe(true);
  });
});

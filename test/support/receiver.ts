import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A complete request that the receiver has received. */
export interface Received {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** The body as JSON. */
  payload: Record<string, unknown>;
  response: http.ServerResponse;
}

/** A receiver of webhooks. */
export interface Receiver {
  url: string;
  /** Everything received so far, oldest first. */
  received: Received[];
  /** Resolves with the matching requests as soon as there are `count` of them. */
  until(matches: (request: Received) => boolean, count?: number): Promise<Received[]>;
  close(): Promise<void>;
}

/** Listens on loopback. `answer` sends the response; default: 200. */
export async function startReceiver(
  answer: (request: Received) => void = ({ response }) => response.end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const listeners = new Set<() => void>();
  const take = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const body = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    const payload = JSON.parse(body) as Record<string, unknown>;
    const whole: Received = { method, path, headers, body, payload, response };
    received.push(whole);
    answer(whole);
    listeners.forEach((listener) => listener());
  };
  // A sender that is killed aborts its request.
  const server = http.createServer((request, response) => void take(request, response).catch(() => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    until: (matches, count = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = received.filter(matches);
          if (found.length >= count) {
            listeners.delete(look);
            resolve(found);
          }
        };
        listeners.add(look);
        look();
      }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

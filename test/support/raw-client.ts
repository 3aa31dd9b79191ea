import { once } from 'node:events';
import net from 'node:net';

/** A client that writes what it likes, when it likes. */
export interface RawClient {
  /** Everything the server has sent so far. */
  text(): string;
  /** Resolves when the server has sent a text that matches. */
  until(pattern: RegExp): Promise<void>;
  write(text: string): void;
  /** Takes no more bytes from the connection. */
  pause(): void;
  /** Resolves with the milliseconds that the connection lasted, when the server has closed it. */
  closed: Promise<number>;
  leave(): void;
}

/** Opens a connection and writes this much of a request. */
export async function connectRaw(url: string, begin = ''): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  const openedAt = performance.now();
  let text = '';
  const listeners = new Set<() => void>();
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    listeners.forEach((listener) => listener());
  });
  // A server that closes while something is being written to it may look like a fault.
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(performance.now() - openedAt));
  });
  socket.write(begin);
  return {
    text: () => text,
    until: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (pattern.test(text)) {
            listeners.delete(look);
            resolve();
          }
        };
        listeners.add(look);
        look();
      }),
    write: (more) => void socket.write(more),
    pause: () => void socket.pause(),
    closed,
    leave: () => void socket.destroy(),
  };
}

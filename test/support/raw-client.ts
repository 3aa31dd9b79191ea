import { once } from 'node:events';
import net from 'node:net';
import { ArrivingText } from './arriving-text.js';

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
  const answer = new ArrivingText();
  answer.readFrom(socket);
  // A server that closes while something is being written to it may look like a fault.
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(performance.now() - openedAt));
  });
  socket.write(begin);
  return {
    text: () => answer.text,
    until: (pattern) => answer.until(pattern),
    write: (more) => void socket.write(more),
    pause: () => void socket.pause(),
    closed,
    leave: () => void socket.destroy(),
  };
}

import { once } from 'node:events';
import net from 'node:net';
import { ArrivingText } from './arriving-text.js';

/** A client that writes arbitrary bytes to a connection. */
export interface RawClient {
  /** Everything the server has sent so far. */
  text(): string;
  /** Resolves when the output of the server matches. */
  until(pattern: RegExp): Promise<void>;
  write(text: string): void;
  /** Stops reading from the connection. */
  pause(): void;
  /** Resolves when the server has closed the connection, with its lifetime in milliseconds. */
  closed: Promise<number>;
  leave(): void;
}

/** Opens a connection and writes the beginning of a request. */
export async function connectRaw(url: string, begin = ''): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  const openedAt = performance.now();
  const answer = new ArrivingText();
  answer.readFrom(socket);
  // A write error is expected if the server closes the connection.
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

import net from 'node:net';
import fc from 'fast-check';
import type { TestServer } from '../support/server.js';
import { leakOf } from './leaks.js';
import { rawRequest, toBytes } from './raw-request.js';

export interface RawAttack {
  server: TestServer;
  /** The API key of a known caller. */
  key: string;
  seed: number;
  requests: number;
  /** Number of responses per status; 0 means that the connection was closed without a response. */
  statuses: Map<number, number>;
}

/** Milliseconds within which the server must respond, and close a connection that its client has closed. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Sends requests one after the other, each on its own connection. Throws for the first failure. */
export async function rawAttack({ server, key, seed, requests, statuses }: RawAttack): Promise<void> {
  const url = new URL(server.url);
  const check = async (bytes: Buffer): Promise<void> => {
    const answer = await exchangeBytes(url, bytes);
    const found = statusesIn(answer);
    found.forEach((status) => statuses.set(status, (statuses.get(status) ?? 0) + 1));
    const fault = faultIn(answer, found, bytes);
    if (fault) {
      const log = server.output().slice(-2_000);
      throw new Error(`${fault}\n\n${visible(bytes)}\n\n${answer.slice(0, 1_500)}\n\nThe server's log:\n${log}`);
    }
  };
  const prefix = url.pathname.replace(/\/$/, '');
  await fc.assert(fc.asyncProperty(rawRequest({ key, prefix }).map(toBytes), check), { seed, numRuns: requests });
}

/** The statuses of all responses on the connection: bytes after a body may be another request. */
function statusesIn(answer: string): number[] {
  const found = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
  return found.length > 0 ? found : [0];
}

function faultIn(answer: string, statuses: number[], bytes: Buffer): string | undefined {
  const failed = statuses.find((status) => status >= 500);
  if (failed !== undefined) {
    return `answered with ${failed}`;
  }
  const leak = leakOf(answer, bytes.toString('latin1'));
  return leak && `the answer holds ${leak}`;
}

/** Everything that the server sends until it closes the connection. The client ends its direction at once. */
function exchangeBytes({ port, hostname }: URL, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const text = (): string => Buffer.concat(chunks).toString('latin1');
    const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection stays open\n\n${visible(bytes)}\n\n${text().slice(0, 500)}`));
    }, ANSWER_TIMEOUT_MS);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', () => socket.destroy());
    // A server that closes while it still receives data resets the connection: the response so far counts.
    socket.once('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(late);
      resolve(text());
    });
    socket.end(bytes);
  });
}

const visible = (bytes: Buffer): string =>
  JSON.stringify(bytes.toString('latin1').slice(0, 3_000)).slice(1, -1).replaceAll('\\r\\n', '\n');

import { createServer } from 'node:net';
import type { ServerConfig } from '../config/index.js';

/** How many ports after the default one are tried. */
const TRIES = 100;

/** The port somebody asked for is taken. */
export class PortTakenError extends Error {
  constructor(host: string, port: number) {
    super(`Port ${port} on ${host} is taken by another program. Stop it, or choose another port with --port or PORT.`);
    this.name = 'PortTakenError';
  }
}

/** The address cannot be listened on. */
export class AddressError extends Error {
  constructor(host: string, port: number, reason: string) {
    super(`Cannot listen on ${host} port ${port}: ${reason}. Choose another one with --host and --port.`);
    this.name = 'AddressError';
  }
}

/** The port that was asked for, or else the first free one from the default on; says so when it is another. */
export async function choosePort({ host, port, port_requested }: ServerConfig): Promise<number> {
  if (await isFree(host, port)) {
    return port;
  }
  if (!port_requested) {
    for (let other = port + 1; other <= port + TRIES; other += 1) {
      if (await isFree(host, other)) {
        process.stdout.write(`Port ${port} is taken; using ${other}.\n`);
        return other;
      }
    }
  }
  throw new PortTakenError(host, port);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EADDRINUSE') {
        resolve(false);
      } else {
        reject(new AddressError(host, port, message));
      }
    });
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

import { createServer } from 'node:net';
import { StartupError } from '../common/index.js';
import type { ServerConfig } from '../config/index.js';

/** Maximum number of ports to try after the default one. */
const MAX_ATTEMPTS = 100;

/** The requested port is taken. */
export class PortTakenError extends StartupError {
  constructor(host: string, port: number) {
    super(`Port ${port} on ${host} is taken by another program. Stop it, or choose another port with --port or PORT.`);
  }
}

/** The server cannot listen on the address. */
export class AddressError extends StartupError {
  constructor(host: string, port: number, reason: string) {
    super(`Cannot listen on ${host} port ${port}: ${reason}. Choose another one with --host and --port.`);
  }
}

/** The requested port, or the first free one from the default port on. Prints a message if it is not the default. */
export async function choosePort({ host, port, port_requested }: ServerConfig): Promise<number> {
  if (await isFree(host, port)) {
    return port;
  }
  if (!port_requested) {
    for (let other = port + 1; other <= port + MAX_ATTEMPTS; other += 1) {
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

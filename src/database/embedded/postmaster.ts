import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries, cannotExecute, program } from './binaries.js';
import type { Cluster } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { type Location, SOCKET_PORT, socketFolder } from './location.js';
import { isAlive, isServerOf } from './processes.js';
import { PROGRAM_ENVIRONMENT, runProgram } from './run-program.js';
import { openServerLog, readServerLog, serverLogPath } from './server-log.js';

const onWindows = process.platform === 'win32';

/** A running server, as described by `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  /** The folder of its socket, or an address on Windows. */
  host: string;
  port: number;
  ready: boolean;
}

/** The running server of this data directory, if any. The caller holds the start lock. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = join(data, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch(() => '');
  // The server writes the file line by line while it starts.
  const [first, , , port, socket, address, , state] = content.split('\n').map((line) => line.trim());
  const pid = Number(first);
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) {
    // The next server checks the file itself, and whether children of the dead server still have the data open. A file with
    // the pid of this process was written below, and a server that was just launched may be about to replace it.
    return undefined;
  }
  if (!(await isServerOf(pid, data))) {
    // PostgreSQL would mistake any process with that pid for a server and would not start. It knows that its parent (this
    // process) is none. Deleting the file instead would prevent its check for children of the dead server.
    await writeFile(file, content.replace(/^\d+/, String(process.pid)));
    return undefined;
  }
  return { pid, host: socket || address, port: Number(port), ready: state === 'ready' };
}

/** Tuned for a developer's machine, but durable: fsync and synchronous_commit keep their default, which is on. */
const SETTINGS: Record<string, string> = {
  // A slot costs almost nothing. Several processes with ten connections each, and tools, may use the server.
  max_connections: '300',
  shared_buffers: '64MB',
  // There are no replicas and no archive.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // Saves three processes; the reads are too small to benefit from them.
  io_method: 'sync',
  jit: 'off',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_checkpoints: 'off',
  // Ends the statement and session of a dead client soon. Not supported on Windows.
  ...(onWindows ? {} : { client_connection_check_interval: '1s' }),
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** A server that this process has launched. */
export interface Launch {
  /** Its log output if it has failed; undefined while it starts or runs. */
  failure(): Promise<string | undefined>;
}

/** Launches a server that outlives this process and logs to a file. */
export async function launchPostmaster({ location, binaries, port }: Cluster): Promise<Launch> {
  const log = await openServerLog(location.home, location.account);
  try {
    const logStart = (await log.stat()).size;
    if (onWindows) {
      // pg_ctl opens the file itself, which fails while it is open for writing elsewhere.
      await log.close();
    }
    const child = spawnServer(location, binaries, await serverArguments(location, port), log.fd);
    await once(child, 'spawn').catch((error: unknown) => {
      throw cannotExecute(child.spawnfile, error);
    });
    child.unref();
    return {
      failure: async () => (hasFailed(child) ? await readServerLog(location.home, logStart) : undefined),
    };
  } finally {
    await log.close();
  }
}

/** On Windows the child is pg_ctl, which ends when the server is ready. */
const hasFailed = ({ exitCode, signalCode }: ChildProcess): boolean =>
  signalCode !== null || (exitCode !== null && !(onWindows && exitCode === 0));

function spawnServer(location: Location, binaries: Binaries, args: string[], log: number): ChildProcess {
  const options = {
    ...location.account,
    cwd: binaries.root,
    env: PROGRAM_ENVIRONMENT,
    // A separate session: Ctrl-C in the terminal reaches only this process, which decides when the server stops.
    detached: true,
    windowsHide: true,
  };
  if (!onWindows) {
    const stdio: ['ignore', number, number] = ['ignore', log, log];
    return spawn(program(binaries, 'postgres'), ['-D', location.data, ...args], { ...options, stdio });
  }
  // PostgreSQL refuses to run with administrator rights. pg_ctl drops them.
  const start = ['start', '--wait', '-D', location.data, '-l', serverLogPath(location.home), '-o', args.join(' ')];
  return spawn(program(binaries, 'pg_ctl'), start, { ...options, stdio: 'ignore' });
}

async function serverArguments(location: Location, port: number | undefined): Promise<string[]> {
  // Command line arguments, not postgresql.conf: a new version of Nestgraph applies its settings to existing data.
  const settings: Record<string, string> = { ...SETTINGS, ...(await listenSettings(location, port)) };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Not reachable from other machines, and with sockets not from other accounts either. */
async function listenSettings(location: Location, port: number | undefined): Promise<Record<string, string>> {
  if (onWindows) {
    return { listen_addresses: '127.0.0.1', port: String(port ?? (await freePort())) };
  }
  const folder = await socketFolder(location);
  return {
    listen_addresses: '',
    port: String(SOCKET_PORT),
    // A comma-separated list: the path is quoted.
    unix_socket_directories: `"${folder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const STOP_TIMEOUT_MS = 60_000;

/** Fast shutdown: the server ends all sessions and writes everything to disk. Resolves when the process has ended. */
export async function shutDownPostmaster(
  { pid, host }: Postmaster,
  location: Location,
  binaries: Binaries,
): Promise<void> {
  if (onWindows) {
    const stop = ['stop', '--mode=fast', '--no-wait', '-D', location.data];
    await runProgram(program(binaries, 'pg_ctl'), stop, { account: undefined, cwd: binaries.root });
  } else {
    process.kill(pid, 'SIGINT');
  }
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (isAlive(pid) && (await isServerOf(pid, location.data))) {
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `The embedded PostgreSQL (process ${pid}) has not stopped within ${STOP_TIMEOUT_MS / 1000} seconds. ` +
          `See ${serverLogPath(location.home)}; the next start reuses it.`,
      );
    }
    await sleep(10);
  }
  if (host !== location.data) {
    // A separate socket folder is empty now.
    await rmdir(host).catch(() => undefined);
  }
}

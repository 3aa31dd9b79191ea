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

/** What `postmaster.pid` says about a server that is running. */
export interface Postmaster {
  pid: number;
  /** the folder of its socket, or an address on Windows */
  host: string;
  port: number;
  ready: boolean;
}

/** The server of this data directory, if there is one. To be called with the start lock held. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = join(data, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch(() => '');
  // Written line by line while the server starts.
  const [first, , , port, socket, address, , state] = content.split('\n').map((line) => line.trim());
  const pid = Number(first);
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) {
    // The next server judges the file itself, and looks whether children of the dead one still have the data open. With
    // our own pid it is the file below, and a server that we have launched may be writing its own at this moment.
    return undefined;
  }
  if (!(await isServerOf(pid, data))) {
    // PostgreSQL takes any process with that pid for a server and would not start. That its parent (we) is none, it knows.
    // Removing the file instead would take away what it needs to look for children.
    await writeFile(file, content.replace(/^\d+/, String(process.pid)));
    return undefined;
  }
  return { pid, host: socket || address, port: Number(port), ready: state === 'ready' };
}

/** For one developer's machine. Durability is not traded: fsync and synchronous_commit keep their defaults, which are on. */
const SETTINGS: Record<string, string> = {
  // A slot costs next to nothing; some processes with ten connections each and their tools may come together.
  max_connections: '300',
  shared_buffers: '64MB',
  // No replicas and no archive, so nothing need be logged for them.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // Three processes less; what we read is too small to gain from them.
  io_method: 'sync',
  jit: 'off',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_checkpoints: 'off',
  // A statement whose client has died ends soon, and its session with it. Windows cannot tell.
  ...(onWindows ? {} : { client_connection_check_interval: '1s' }),
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** A server that we have just started. */
export interface Launch {
  /** What it said, if it has failed; `undefined` while it starts or runs. */
  failure(): Promise<string | undefined>;
}

/** Starts a server that outlives this process, with its output in a file. */
export async function launchPostmaster({ location, binaries, port }: Cluster): Promise<Launch> {
  const log = await openServerLog(location.home, location.account);
  try {
    const logStart = (await log.stat()).size;
    if (onWindows) {
      // pg_ctl opens it itself, which fails while somebody else has it open for writing.
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
    // A session of its own: Ctrl-C in the terminal reaches us, and we decide when the server stops.
    detached: true,
    windowsHide: true,
  };
  if (!onWindows) {
    const stdio: ['ignore', number, number] = ['ignore', log, log];
    return spawn(program(binaries, 'postgres'), ['-D', location.data, ...args], { ...options, stdio });
  }
  // In an administrator's shell PostgreSQL refuses to run, unless pg_ctl has given up those rights.
  const start = ['start', '--wait', '-D', location.data, '-l', serverLogPath(location.home), '-o', args.join(' ')];
  return spawn(program(binaries, 'pg_ctl'), start, { ...options, stdio: 'ignore' });
}

async function serverArguments(location: Location, port: number | undefined): Promise<string[]> {
  // Command line arguments, not postgresql.conf: a new Nestgraph brings its settings to existing data.
  const settings: Record<string, string> = { ...SETTINGS, ...(await listenSettings(location, port)) };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Never reachable from another machine, and where there are sockets, from no other account either. */
async function listenSettings(location: Location, port: number | undefined): Promise<Record<string, string>> {
  if (onWindows) {
    return { listen_addresses: '127.0.0.1', port: String(port ?? (await freePort())) };
  }
  const folder = await socketFolder(location);
  return {
    listen_addresses: '',
    port: String(SOCKET_PORT),
    // A list, in which commas separate and quotes protect.
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

/** A fast shutdown: sessions are ended, everything is written. Answers when the process is gone. */
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
    // A socket folder of its own is empty now.
    await rmdir(host).catch(() => undefined);
  }
}

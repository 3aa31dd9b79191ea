import { afterEach, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type EmbeddedPostgres, EmbeddedPostgresError, startEmbeddedPostgres } from './index.js';
import { isAlive, isServerOf } from './processes.js';

const here = dirname(fileURLToPath(import.meta.url));
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nestgraph-spec-'));
  // When root runs the specs, the server has another account.
  await chmod(folder, 0o755);
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Created by `npm run build`. */
const GUARD = new URL('../../../dist/src/database/embedded/guard.js', import.meta.url);

async function start(directory: string, log: (message: string) => void = () => undefined): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, log, guard: GUARD });
  cleanups.push(() => server.stop());
  return server;
}

async function query<Row extends pg.QueryResultRow>(uri: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: uri, application_name: 'nestgraph spec' });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const postmasterPid = async (server: EmbeddedPostgres): Promise<number> =>
  parseInt(await readFile(join(server.data_directory, 'postmaster.pid'), 'utf8'));

/** A killed process stays listed as a zombie until its parent reaps it. */
const isRunning = async (pid: number, data: string): Promise<boolean> => isAlive(pid) && (await isServerOf(pid, data));

async function untilStopped(pid: number, data: string): Promise<void> {
  while (await isRunning(pid, data)) {
    await sleep(20);
  }
}

/** A process that uses the launcher like Nestgraph does: it prints one line of JSON when the server is ready. */
async function startClientProcess(directory: string): Promise<{ client: ChildProcess; uri: string }> {
  const folder = await temporaryFolder();
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await build({
    stdin: {
      resolveDir: here,
      contents: `
        import { startEmbeddedPostgres } from './index.ts';
        const server = await startEmbeddedPostgres({
          directory: ${JSON.stringify(directory)}, log: () => {}, guard: new URL(${JSON.stringify(GUARD.href)}),
        });
        console.log(JSON.stringify({ uri: server.uri }));
        process.on('SIGTERM', () => server.stop().then(() => process.exit(0)));
        setInterval(() => {}, 60_000);`,
    },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: join(folder, 'client.mjs') },
  });
  const client = spawn(process.execPath, [join(folder, 'client.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => kill(client, 'SIGKILL'));
  const [line] = (await once(createInterface(client.stdout), 'line')) as [string];
  return { client, ...(JSON.parse(line) as { uri: string }) };
}

async function kill(client: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (client.exitCode === null && client.signalCode === null) {
    const exit = once(client, 'exit');
    client.kill(signal);
    await exit;
  }
}

describe('the embedded PostgreSQL', () => {
  it('keeps the data across restarts, and stops without leaving a process', async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await query(first.uri, `CREATE TABLE kept AS SELECT 'here' AS value`);
    const pid = await postmasterPid(first);
    await first.stop();
    await first.stop();
    expect(await isRunning(pid, first.data_directory)).toBe(false);
    await expect(stat(join(first.data_directory, 'postmaster.pid'))).rejects.toThrow('ENOENT');

    const second = await start(directory);
    expect(await query(second.uri, 'SELECT value FROM kept')).toEqual([{ value: 'here' }]);
  });

  it('can only be reached by a socket or loopback, with a password that only its user can read', async () => {
    const directory = await temporaryFolder();
    const server = await start(directory);
    const [{ listen_addresses }] = await query<{ listen_addresses: string }>(server.uri, 'SHOW listen_addresses');
    expect(listen_addresses).toBe(process.platform === 'win32' ? '127.0.0.1' : '');
    expect((await stat(join(directory, 'postgres', 'password'))).mode & 0o077).toBe(0);
    await expect(query(server.uri.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow('password');
  });

  it('is durable, and uses UTF-8 and UTC without a system locale', async () => {
    const { uri } = await start(await temporaryFolder());
    const [row] = await query(
      uri,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, upper('äß€') AS upper,
              current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone`,
    );
    expect(row).toEqual({ fsync: 'on', commit: 'on', upper: 'Äß€', encoding: 'UTF8', zone: 'UTC' });
  });

  it('stops when its process is killed, and keeps committed data', async () => {
    const directory = await temporaryFolder();
    const { client, uri } = await startClientProcess(directory);
    await query(uri, `CREATE TABLE kept AS SELECT 1 AS value`);
    const data = join(directory, 'postgres', 'data');
    const pid = parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8'));
    await kill(client, 'SIGKILL');
    await untilStopped(pid, data);

    const server = await start(directory);
    expect(await query(server.uri, 'SELECT value FROM kept')).toEqual([{ value: 1 }]);
  });

  it('recovers committed data after the server itself was killed', async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await query(first.uri, `CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value`);
    const pid = await postmasterPid(first);
    process.kill(pid, 'SIGKILL');

    const second = await start(directory);
    expect(await query(second.uri, 'SELECT count(*)::int AS count FROM kept')).toEqual([{ count: 1000 }]);
    expect(await postmasterPid(second)).not.toBe(pid);
  });

  it('starts although another program reuses the pid of a dead server', async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    const file = join(first.data_directory, 'postmaster.pid');
    const content = await readFile(file, 'utf8');
    process.kill(parseInt(content), 'SIGKILL');
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)']);
    cleanups.push(() => kill(stranger, 'SIGKILL'));
    await writeFile(file, content.replace(/^\d+/, String(stranger.pid)));

    const second = await start(directory);
    expect(await query(second.uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(stranger.exitCode).toBeNull();
  });

  it('is started once by two processes that start at the same time', async () => {
    const directory = await temporaryFolder();
    const [one, two, other] = await Promise.all([start(directory), start(directory), startClientProcess(directory)]);
    // The last process stops the server; a killed one does not.
    await kill(other.client, 'SIGKILL');
    expect(two.uri).toBe(one.uri);
    expect(other.uri).toBe(one.uri);
    const log = await readFile(join(directory, 'postgres', 'server.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1);
  });

  it('stops with the last process that uses it', async () => {
    const directory = await temporaryFolder();
    const { client } = await startClientProcess(directory);
    const server = await start(directory);
    const pid = await postmasterPid(server);
    await server.stop();
    expect(await query(server.uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    await kill(client, 'SIGTERM');
    expect(await isRunning(pid, server.data_directory)).toBe(false);
  });

  it('keeps running for sessions that only their name identifies as ours', async () => {
    const directory = await temporaryFolder();
    const server = await start(directory);
    const pool = new pg.Client({ connectionString: server.uri, application_name: 'nestgraph worker' });
    await pool.connect();
    await server.stop();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    const pid = await postmasterPid(server);
    await pool.end();
    // Then the guard stops it.
    await untilStopped(pid, server.data_directory);
  });

  it('works in a folder whose path is too long for a socket, and has spaces, commas and quotes', async () => {
    const directory = join(await temporaryFolder(), `it's a "long", path ü`, 'x'.repeat(100), '.nestgraph');
    const server = await start(directory);
    expect(await query(server.uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(decodeURIComponent(server.uri)).not.toContain('xxx');
  });

  it('works in a folder whose short path has spaces, commas and quotes', async () => {
    const server = await start(join(await temporaryFolder(), `it's, "ü" &?`));
    expect(await query(server.uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  const asRoot = process.getuid?.() === 0 ? it : it.skip;

  asRoot('stores the data elsewhere if the server may not enter the folder, and finds it again', async () => {
    const directory = await temporaryFolder();
    await chmod(directory, 0o700);
    const messages: string[] = [];
    const first = await start(directory, (message) => messages.push(message));
    cleanups.unshift(() => rm(dirname(first.data_directory), { recursive: true }));
    expect(messages[0]).toContain(`is kept in ${first.data_directory}`);
    await query(first.uri, 'CREATE TABLE kept AS SELECT 1 AS value');
    await first.stop();
    await chmod(directory, 0o755);

    const second = await start(directory);
    expect(second.data_directory).toBe(first.data_directory);
    expect(await query(second.uri, 'SELECT value FROM kept')).toEqual([{ value: 1 }]);
  });

  it('starts over after a kill during the first start', async () => {
    const directory = await temporaryFolder();
    const leftover = join(directory, 'postgres', 'initdb-killed', 'data');
    await mkdir(leftover, { recursive: true });
    await writeFile(join(leftover, 'PG_VERSION'), '18');
    await writeFile(join(directory, 'postgres', 'start.lock'), `${process.pid} of an earlier process`);

    const server = await start(directory);
    expect(await query(server.uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(stat(leftover)).rejects.toThrow('ENOENT');
  });

  it('rejects the data of another major version without changing it', async () => {
    const directory = await temporaryFolder();
    const data = join(directory, 'postgres', 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'PG_VERSION'), '17\n');
    const attempt = startEmbeddedPostgres({ directory, log: () => undefined, guard: GUARD });
    await expect(attempt).rejects.toThrow(/created by PostgreSQL 17, .* is PostgreSQL 18\. .*pg_dump/);
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresError);
    expect(await readFile(join(data, 'PG_VERSION'), 'utf8')).toBe('17\n');
  });

  it('stops without an error if its folder was deleted', async () => {
    const directory = await temporaryFolder();
    const server = await start(directory);
    const pid = await postmasterPid(server);
    await rm(directory, { recursive: true });
    await server.stop();
    // The server would end within a minute.
    process.kill(pid, 'SIGQUIT');
  });

  it('reports the output of a server that cannot start', async () => {
    const directory = await temporaryFolder();
    const server = await start(directory);
    await server.stop();
    await writeFile(join(server.data_directory, 'postgresql.conf'), 'no such thing\n');
    await expect(startEmbeddedPostgres({ directory, log: () => undefined, guard: GUARD })).rejects.toThrow(
      /syntax error in file/,
    );
  });
});

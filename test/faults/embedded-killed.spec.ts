import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { send, sendJson } from '../support/http.js';
import { createProject, killIfThere, type Project } from '../support/project.js';
import { open } from '../support/raw-response.js';
import { killLeftovers, type TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

/** No lease expires while PostgreSQL restarts, even on a slow machine. */
const LONG_LEASE = { NESTGRAPH_LEASE_SECS: '60', NESTGRAPH_HEARTBEAT_SECS: '1' };

let project: Project;
beforeEach(async () => {
  project = await createProject({ graphs: ['waiting.ts', 'steps.ts'] });
});
afterEach(async () => {
  await killLeftovers();
  await project.remove();
});
afterAll(killLeftovers);

const inPostgres = (...parts: string[]): string => path.join(project.folder, '.nestgraph/postgres', ...parts);

const killPostgres = async (): Promise<void> => {
  const pids = await project.postgres();
  expect(pids).not.toEqual([]);
  pids.forEach(killIfThere);
};

const isHealthy = async ({ url }: TestServer): Promise<boolean> => (await send(`${url}/ok`)).status === 200;
const untilHealthy = (server: TestServer, wanted: boolean): Promise<boolean> =>
  askUntil(
    () => isHealthy(server),
    (now) => now === wanted,
  );

describe('the embedded PostgreSQL is killed', () => {
  it('and restarted: a running run continues without a new attempt', async () => {
    const server = await project.start({ env: LONG_LEASE });
    const { json } = await sendJson(`${server.url}/threads`, {});
    const { thread_id } = json as { thread_id: string };
    const stream = await open(`${server.url}/threads/${thread_id}/runs/stream`, {
      assistant_id: 'waiting',
      input: { gate: path.join(project.folder, 'gate'), label: 'a' },
      stream_mode: ['custom', 'values'],
    });
    await stream.until(/"waiting":"a"/);
    const before = await project.postgres();
    await killPostgres();
    await askUntil(project.postgres, (pids) => pids.some((pid) => !before.includes(pid)));
    await untilHealthy(server, true);
    await project.write('gate', '');
    await stream.ended;

    const runs = await send(`${server.url}/threads/${thread_id}/runs`);
    expect(runs).toMatchObject({ status: 200, json: [{ status: 'success' }] });
    const { text } = await send(`${server.url}/threads/${thread_id}/state`);
    expect(JSON.parse(text)).toMatchObject({ values: { order: ['a:start', 'a:end'] } });
    expect(await server.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('and the server reports unhealthy until the database is available again', async () => {
    const server = await project.start();
    // Another process seems to hold the start lock.
    await writeFile(inPostgres('start.lock'), `${process.pid} of this test`);
    await killPostgres();
    await untilHealthy(server, false);
    await rm(inPostgres('start.lock'));
    await untilHealthy(server, true);
    const run = await sendJson(`${server.url}/runs/wait`, { assistant_id: 'steps', input: {} });
    expect(run).toMatchObject({ status: 200, json: { path: ['one', 'two', 'three'] } });
    expect(await server.stop()).toBe(0);
    expect(await project.noPostgres()).toEqual([]);
  });

  it('and cannot be restarted: the server ends with a message', async () => {
    const server = await project.start();
    await writeFile(inPostgres('data/postgresql.conf'), 'no such thing\n');
    await killPostgres();

    expect(await server.exited).toBe(1);
    expect(server.output()).toMatch(
      /The embedded PostgreSQL of \S+ cannot be kept running: [^]*syntax error in file[^]*set DATABASE_URI/,
    );
    expect(await project.noPostgres()).toEqual([]);
  });

  it('repeatedly: the server ends with a message', async () => {
    const server = await project.start();
    const starts = (): number => server.output().match(/is running \(process/g)?.length ?? 0;
    let isOver = false;
    const exited = server.exited.finally(() => (isOver = true));
    for (let start = 1; !isOver; start += 1) {
      await askUntil(
        () => Promise.resolve(isOver || starts() >= start),
        (isReady) => isReady,
      );
      (await project.postgres()).forEach(killIfThere);
    }
    expect(await exited).toBe(1);
    expect(server.output()).toMatch(/The embedded PostgreSQL of \S+ cannot be kept running/);
    expect(await project.noPostgres()).toEqual([]);
  });
});

/** Process ids of the guards of a server. */
async function guardsOf(server: number): Promise<number[]> {
  const guards: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    if (command.includes('guard.js') && state !== 'Z' && Number(parent) === server) {
      guards.push(Number(pid));
    }
  }
  return guards;
}

describe('the guard of the embedded PostgreSQL', () => {
  it('stops it when the last of several servers is killed, and none remains', async () => {
    const servers = [await project.start(), await project.start()];
    const guards = (await Promise.all(servers.map(({ pid }) => guardsOf(pid)))).flat();
    expect(guards).toHaveLength(2);
    await servers[0].stop('SIGKILL');
    await untilGone([guards[0]]);
    expect(await sendJson(`${servers[1].url}/threads`, {})).toMatchObject({ status: 200 });
    await servers[1].stop('SIGKILL');
    expect(await project.noPostgres()).toEqual([]);
    await untilGone(guards);
  });

  it('is replaced when it is killed', async () => {
    const server = await project.start();
    const [guard] = await guardsOf(server.pid);
    process.kill(guard, 'SIGKILL');
    const [next] = await askUntil(
      () => guardsOf(server.pid),
      (guards) => guards.length > 0 && !guards.includes(guard),
    );
    await server.stop('SIGKILL');
    expect(await project.noPostgres()).toEqual([]);
    await untilGone([next]);
  });
});

const untilGone = (pids: number[]): Promise<boolean> =>
  askUntil(
    () => Promise.resolve(pids.some((pid) => existsSync(`/proc/${pid}`))),
    (isThere) => !isThere,
  );

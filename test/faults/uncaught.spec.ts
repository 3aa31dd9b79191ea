import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Member } from '../support/cluster.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { send, sendJson } from '../support/http.js';
import { killLeftovers, startServer } from '../support/server.js';
import { SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

const [[, Client]] = SDKS;

const WAYS = [
  'a rejection',
  'a rejected function',
  'an exception in a timer',
  'an emitter',
  'a stream',
  'a listener of a signal',
  'a thread',
  'a rejection with nothing',
  'a rejection that cannot be read',
];

describe('an error that nothing awaits', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it.each(['dev', 'start', 'worker'] as const)(
    'ends neither %s nor a run, and is logged with the run it comes from',
    async (command) => {
      const executing = await scene.cluster.start({ command });
      const api = command === 'worker' ? await scene.cluster.start({ env: { N_JOBS_PER_WORKER: '0' } }) : executing;
      const { client } = scene.witness(Client, api);
      const other = await startGated(api);
      for (const how of WAYS) {
        const { thread_id } = await client.threads.create();
        const { run_id } = await client.runs.create(thread_id, 'careless', { input: { how } });
        expect(await client.runs.join(thread_id, run_id)).toEqual({ how, done: how });
        await executing.printed(new RegExp(`Uncaught .*run_id=${run_id}`));
      }
      // Outside of nodes LangGraph provides no run.
      const config = { configurable: { careless_factory: true } };
      const { run_id } = await client.runs.create(null, 'careless', { input: { how: 'a thread' }, config });
      await executing.printed(new RegExp(`Uncaught rejection.*run_id=${run_id}`));

      scene.openGate();
      expect(await client.runs.join(other.thread_id, other.run_id)).toMatchObject({ step: 1 });
      // The run without a thread has no client that waits for it.
      const isActive = ({ status }: { status: string }): boolean => status === 'pending' || status === 'running';
      const runs = await scene.until(
        () => scene.runs(),
        (all) => !all.some(isActive),
      );
      expect(runs.filter(({ status, attempt }) => status !== 'success' || attempt !== 1)).toEqual([]);
      // With its node, its stack and its cause.
      expect(executing.output()).toMatch(
        /langgraph_node=work[^]*Error: careless(\n|\\n) +at [^]*Caused by: Error: nothing/,
      );
      expect(await executing.stop()).toBe(0);
    },
  );

  it('a thousand times does not fill the log', async () => {
    const server = await scene.cluster.start();
    const { client } = scene.witness(Client, server);
    await client.runs.wait(null, 'careless', { input: { how: 'a flood' } });
    await server.printed(/19\d\d more uncaught errors/);
    expect(server.output().match(/Uncaught exception/g)).toHaveLength(20);
  });

  /** A run of another user that waits for the gate. */
  async function startGated({ url }: Member): Promise<{ run_id: string; thread_id: string }> {
    const { client } = scene.witness(Client, { url });
    const { thread_id } = await client.threads.create();
    const input = { ledger: scene.file, steps: 1, says: 1, ms: 1, step: 0, gate: { path: scene.gate, step: 1 } };
    const { run_id } = await client.runs.create(thread_id, 'ledger', { input });
    await scene.done({ run_id, what: 'said' });
    return { run_id, thread_id };
  }
});

describe('a process', () => {
  const project = path.join(import.meta.dirname, 'careless');
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await killLeftovers();
    await database.drop();
  });

  it('survives unhandled errors of its graphs, auth, app, modules and embeddings', async () => {
    const server = await startServer({ project, database, command: 'start' });
    expect((await send(`${server.url}/app`)).status).toBe(200);
    expect((await send(`${server.url}/module`)).status).toBe(200);
    const item = { namespace: ['a'], key: 'k', value: { text: 't' } };
    expect((await sendJson(`${server.url}/store/items`, item, { method: 'PUT' })).status).toBe(204);
    for (const place of ['graph', 'auth', 'app', 'module', 'embedding']) {
      await server.printed(new RegExp(`Uncaught rejection[^]*careless ${place}`));
    }
    expect((await send(`${server.url}/ok`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });

  it('continues when the reader of its log has disconnected', async () => {
    const server = await startServer({ project, database, command: 'start' });
    server.closeLog();
    // Each request logs an error.
    for (let request = 1; request <= 20; request += 1) {
      expect((await send(`${server.url}/module`)).status).toBe(200);
    }
    expect(await server.stop()).toBe(0);
  });

  it('ends with a message when its database was deleted', async () => {
    const gone = await createDatabase();
    const server = await startServer({ project, database: gone, command: 'start' });
    await gone.drop();
    expect(await server.exited).toBe(1);
    expect(server.output()).toMatch(/^The database has refused connections for 60 s \(.*\)\. The process ends\./m);
  });
});

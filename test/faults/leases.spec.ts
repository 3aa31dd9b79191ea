import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Member } from '../support/cluster.js';
import { untilWaitingForLocks } from '../support/database.js';
import { SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

const [[, Client]] = SDKS;

describe('a run belongs to its process', () => {
  let scene: Scene;
  let holder: Member;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  /**
   * Runs that end when the gate is open: two whose last node ignores its signal, one of them stateless, and one that has
   * several steps left.
   */
  async function startRuns(): Promise<void> {
    const { client } = scene.witness(Client, holder);
    const input = { gate: scene.gate, label: 'a', order: [] };
    const { thread_id } = await client.threads.create();
    await client.runs.create(thread_id, 'stubborn', { input });
    await client.runs.create(null, 'stubborn', { input });
    const worker = scene.witness(Client, holder);
    const gate = { path: scene.gate, step: 2 };
    await worker.create(await worker.newThread(), { steps: 4, says: 2, ms: 200, gate });
    await scene.done({ step: 2, what: 'said' });
  }

  const statuses = async (): Promise<string[]> =>
    (await scene.runs()).map(({ status, attempt }) => `${status} ${attempt}`);

  const ALL_TAKEN_OVER = ['success 2', 'success 2', 'success 2'];

  it('for longer than its lease if its graph blocks the process: no other worker executes it', async () => {
    holder = await scene.cluster.start();
    await scene.cluster.start({ command: 'worker' });
    const { client } = scene.witness(Client, holder);
    const { thread_id } = await client.threads.create();
    // Longer than the lease plus the interval of polls for expired leases.
    const answer = await client.runs.wait(thread_id, 'computing', { input: { ms: 12_000, log: scene.file } });

    expect(answer).toMatchObject({ done: true });
    expect(readFileSync(scene.file, 'utf8')).toBe('executed\n');
    expect(await statuses()).toEqual(['success 1']);
  });

  it('until the process is frozen for longer than the lease; afterwards it writes nothing', async () => {
    holder = await scene.cluster.start();
    await scene.cluster.start({ command: 'worker' });
    await startRuns();
    holder.freeze();
    await scene.until(statuses, (all) => all.every((status) => status.endsWith(' 2')));
    scene.openGate();
    await scene.until(statuses, (all) => all.every((status) => status === 'success 2'));
    const afterTakeover = await scene.everything();
    holder.thaw();
    await holder.printed(/(lost its lease[^]*){3}/);
    // The remaining work of its runs ends.
    expect(await holder.stop()).toBe(0);

    expect(await scene.everything()).toEqual(afterTakeover);
    expect((await scene.threads()).map(({ status }) => status)).toEqual(['idle', 'idle']);
  });

  it('until its lease expires; writes of a process that is unaware of it are rejected', async () => {
    holder = await scene.cluster.start({ env: UNAWARE });
    await startRuns();
    await expireLeases();
    await scene.cluster.start({ command: 'worker' });
    await scene.until(statuses, (all) => all.every((status) => status.endsWith(' 2')));
    scene.openGate();
    await scene.until(statuses, (all) => all.every((status) => status === 'success 2'));
    expect(await holder.stop()).toBe(0);

    expect(holder.output().match(/lost its lease; its further output is discarded/g)).toHaveLength(2);
    expect(holder.output().match(/had lost its lease when it ended/g)).toHaveLength(1);
    expect(await statuses()).toEqual(ALL_TAKEN_OVER);
    const { rows } = await scene.cluster.database.pool.query(
      `SELECT values -> 'order' AS order FROM threads WHERE metadata ->> 'graph_id' = 'stubborn' AND NOT hidden`,
    );
    expect(rows).toEqual([{ order: ['a:start', 'a:end'] }]);
  });

  it('until its lease expires, even while its end is being written', async () => {
    holder = await scene.cluster.start({ env: UNAWARE });
    const client = scene.witness(Client, holder);
    const thread_id = await client.newThread();
    await client.create(thread_id, { steps: 1, says: 1, ms: 10, gate: { path: scene.gate, step: 1 } });
    // It is there before the end of the run waits, because that wait has a limit.
    await scene.cluster.start({ command: 'worker' });
    const unlock = await scene.lockThread(thread_id);
    scene.openGate();
    await untilWaitingForLocks(scene.cluster.database);
    await expireLeases();
    await untilWaitingForLocks(scene.cluster.database, 2);
    await unlock();
    await scene.until(statuses, ([status]) => status === 'success 2');
    expect(await holder.stop()).toBe(0);

    expect(holder.output()).toContain('had lost its lease when it ended');
    await scene.expectOrder();
  });

  it('until the process is frozen; its clients see the run continue', async () => {
    holder = await scene.cluster.start();
    await scene.cluster.start({ command: 'worker' });
    const client = scene.witness(Client, holder);
    const gate = { path: scene.gate, step: 2 };
    const stream = client.stream(await client.newThread(), {
      ...{ steps: 3, says: 5, ms: 100, gate },
      // It starts no step before the last one is written, which will be rejected.
      durability: 'sync',
    });
    await stream.received(({ data }) => (data as { step?: number }).step === 2);
    holder.freeze();
    scene.openGate();
    await scene.until(statuses, ([status]) => status === 'success 2');
    holder.thaw();
    await stream.finished;
    await scene.expectOrder();
  });

  /** Renews so rarely that the test ends before the process notices a lost lease. */
  const UNAWARE = { NESTGRAPH_LEASE_SECS: '200', NESTGRAPH_HEARTBEAT_SECS: '100' };

  const expireLeases = () =>
    scene.cluster.database.pool.query(`UPDATE runs SET lease_until = now() WHERE status = 'running'`);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { open } from '../support/raw-response.js';
import { untilWaitingForLocks } from '../support/database.js';
import { SDKS } from '../support/sdk.js';
import { toStep } from './history.js';
import { Scene } from './scene.js';

const [[, Client]] = SDKS;

const WORK = { steps: 1, says: 1, ms: 10 };

/** Enough steps that the signal arrives before the last one. */
const STEPS = 20;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('a process that receives a signal', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it.each(['start', 'worker'] as const)(
    'as %s ends what has no checkpoints, and hands other runs over at their next superstep',
    async (command) => {
      const leaving = await scene.cluster.start({ command, env: { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '20' } });
      const api = await scene.cluster.start({ env: { N_JOBS_PER_WORKER: '0' } });
      const client = scene.witness(Client, api);
      const work = { steps: STEPS, says: 1, ms: 100, gate: { path: scene.gate, step: 1 } };
      const answer = client.wait(await client.newThread(), work);
      const stateless = client.waitStateless(work);
      const begun = await scene.until(
        () => scene.ledger().filter(({ what }) => what === 'began'),
        (lines) => lines.length === 2,
      );
      expect(begun.map(({ pid }) => pid)).toEqual([leaving.pid, leaving.pid]);
      const other = await scene.cluster.start({ command: 'worker' });
      const left = leaving.stop();
      scene.openGate();
      expect(await left).toBe(0);
      const leftAt = Date.now();

      const run_id = await answer;
      const steps = scene.ledger().filter((line) => line.run_id === run_id && line.what === 'began');
      expect(steps.map(({ step, attempt }) => [step, attempt])).toEqual(numbers(STEPS).map((step) => [step, 1]));
      // Neither after the lease nor with the next poll of the queue.
      const { at } = await scene.done({ run_id, pid: other.pid });
      expect(at - leftAt).toBeLessThan(2_000);
      expect((await stateless).map((step) => toStep(step).pid)).toEqual(numbers(STEPS).map(() => leaving.pid));
      await scene.expectOrder();
    },
  );

  it('releases a run with a step that takes too long, which is executed again at once without counting the attempt', async () => {
    const leaving = await scene.cluster.start({ env: { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '0.2' } });
    const client = scene.witness(Client, leaving);
    const work = { steps: 3, says: 2, ms: 100, gate: { path: scene.gate, step: 2 } };
    const run_id = await client.create(await client.newThread(), work);
    await scene.done({ run_id, step: 2 });
    const other = await scene.cluster.start({ command: 'worker' });
    expect(await leaving.stop()).toBe(0);
    const leftAt = Date.now();

    const again = await scene.done({ run_id, pid: other.pid });
    expect(again).toMatchObject({ step: 2, attempt: 1 });
    expect(again.at - leftAt).toBeLessThan(2_000);
    scene.openGate();
    await scene.expectOrder();
    expect(await scene.runs()).toMatchObject([{ status: 'success', attempt: 1 }]);
  });

  it('does not wait for a node that ignores its signal: its run continues on another worker', async () => {
    const leaving = await scene.cluster.start({ env: { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '0.2' } });
    const thread_id = await startStubborn(leaving.url);
    const toldAt = Date.now();
    expect(await leaving.stop()).toBe(0);

    expect(Date.now() - toldAt).toBeLessThan(5_000);
    expect(await scene.runs()).toMatchObject([{ status: 'pending', attempt: 0 }]);
    const other = await scene.cluster.start();
    scene.openGate();
    await scene.until(
      () => scene.threads(),
      ([{ status }]) => status === 'idle',
    );
    const { values } = await scene.witness(Client, other).client.threads.get(thread_id);
    expect(values).toMatchObject({ order: ['a:start', 'a:end'] });
  });

  it('responds to pending requests, with a header that clients must not reuse the connection', async () => {
    const leaving = await scene.cluster.start({ env: { N_JOBS_PER_WORKER: '0' } });
    const client = scene.witness(Client, leaving);
    const thread_id = await client.newThread();
    const waiting = await client.create(thread_id, WORK);
    const unlock = await scene.lockThread(thread_id);
    const created = client.create(thread_id, WORK);
    await untilWaitingForLocks(scene.cluster.database);
    const left = leaving.stop();
    await scene.until(
      async () => (await fetch(`${leaving.url}/ok`)).headers.get('connection'),
      (connection) => connection === 'close',
    );
    const stream = await open(`${leaving.url}/threads/${thread_id}/runs/${waiting}/stream`);
    await unlock();

    const run_id = await created;
    expect(await left).toBe(0);
    expect(await scene.runs()).toMatchObject([{ run_id: waiting }, { run_id, status: 'pending' }]);
    // Not on streams and waits: with this header the SDK mistakes an aborted response for a complete one.
    expect(stream.headers.connection).not.toBe('close');
    await expect(stream.ended).rejects.toThrow('The connection was broken');
  });

  it.each<[NodeJS.Signals, NodeJS.Signals]>([
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGINT'],
  ])('by %s ends at once with %s, regardless of its nodes', async (first, second) => {
    const server = await scene.cluster.start({ env: { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '60' } });
    await startStubborn(server.url);
    const ended = server.stop(first);
    // The process has handled the first one when it waits for its runs and claims no more.
    await expect(Promise.race([ended, claimsNoMore(server.url)])).resolves.toBe('claims no more');
    const toldAt = Date.now();
    process.kill(server.pid, second);

    expect(await ended).toBe(1);
    expect(Date.now() - toldAt).toBeLessThan(1_000);
  });

  /** A run inside a node that ignores its signal and continues until the gate is open. */
  async function startStubborn(url: string): Promise<string> {
    const { client } = scene.witness(Client, { url });
    const { thread_id } = await client.threads.create();
    const stream = client.runs.stream(thread_id, 'stubborn', {
      input: { gate: scene.gate, label: 'a', order: [] },
      streamMode: 'custom',
      onDisconnect: 'continue',
    });
    for await (const { event } of stream) {
      if (event === 'custom') {
        break;
      }
    }
    return thread_id;
  }

  /** A stopping process still accepts requests, and leaves new runs to other processes. */
  async function claimsNoMore(url: string): Promise<string> {
    const { client } = scene.witness(Client, { url });
    await scene.until(
      async () =>
        client.runs.create(null, 'ledger', { input: { ledger: scene.file, steps: 1, says: 1, ms: 1, step: 0 } }),
      ({ status }) => status === 'pending',
    );
    return 'claims no more';
  }
});

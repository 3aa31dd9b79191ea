import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SDKS } from '../support/sdk.js';
import type { Member } from '../support/cluster.js';
import { Scene } from './scene.js';

const [[, Client]] = SDKS;

describe('a drain', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  /** A run of `draining` that is inside its first node. */
  async function begin({ url }: Member, how: string): Promise<void> {
    const { client } = scene.witness(Client, { url });
    const { thread_id } = await client.threads.create();
    const stream = client.runs.stream(thread_id, 'draining', {
      input: { how, gate: scene.gate },
      streamMode: 'custom',
      onDisconnect: 'continue',
    });
    for await (const { event } of stream) {
      if (event === 'custom') {
        return;
      }
    }
  }

  const ends = async (): Promise<unknown> => (await scene.runs()).map(({ status, attempt }) => [status, attempt]);

  const hasNoActive = (runs: { status: string }[]): boolean =>
    runs.length > 0 && runs.every(({ status }) => status !== 'pending' && status !== 'running');

  it('that a node has requested ends its run, whether the process requests it before or after', async () => {
    const leaving = await scene.cluster.start({ env: { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '20' } });
    await begin(leaving, 'first');
    await begin(leaving, 'last');
    await scene.cluster.start({ command: 'worker' });
    // The second node has seen the request of the process when it opens the gate of the first one.
    expect(await leaving.stop()).toBe(0);
    expect(await ends()).toEqual([
      ['interrupted', 1],
      ['interrupted', 1],
    ]);
  });

  it.each(['start', 'worker'] as const)('of a graph inside a node is not repeated by %s', async (command) => {
    const api = await scene.cluster.start({ env: { N_JOBS_PER_WORKER: command === 'start' ? '10' : '0' } });
    if (command === 'worker') {
      await scene.cluster.start({ command });
    }
    const { client } = scene.witness(Client, api);
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, 'draining', { input: { how: 'inside' } });
    expect(await ends()).toEqual([['interrupted', 1]]);
  });

  it('does not exceed the maximum attempts of a run: a run without attempts left fails when it is claimed', async () => {
    const api = await scene.cluster.start({ env: { N_JOBS_PER_WORKER: '0', BG_JOB_MAX_RETRIES: '1' } });
    const { client } = scene.witness(Client, api);
    const { thread_id } = await client.threads.create();
    const { run_id } = await client.runs.create(thread_id, 'draining', { input: { how: 'with a reason' } });
    const answer = client.runs.join(thread_id, run_id);
    await scene.cluster.database.pool.query('UPDATE runs SET attempt = 2');
    await scene.cluster.start({ command: 'worker', env: { BG_JOB_MAX_RETRIES: '1' } });
    await scene.until(() => scene.runs(), hasNoActive);
    expect(await ends()).toEqual([['error', 3]]);
    expect(await answer).toMatchObject({
      __error__: { error: 'RunLost', message: expect.stringContaining('after 2 attempts') },
    });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error' });
  });
});

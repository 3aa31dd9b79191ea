import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

const THREADS = 30;
const RUNS_OF_EACH = 4;

describe('workers without an API', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it('share the runs of an API without workers: each is executed once, runs of a thread in order', async () => {
    const api = await scene.cluster.start({ env: { N_JOBS_PER_WORKER: '0' } });
    const workers = await Promise.all([1, 2, 3].map(() => scene.cluster.start({ command: 'worker' })));
    const users = Array.from({ length: THREADS }, async (_, index) => {
      const client = scene.witness(SDKS[index % SDKS.length][1]);
      const thread_id = await client.newThread();
      const work = { steps: 2, says: 2, ms: 20 };
      for (let run = 1; run < RUNS_OF_EACH; run += 1) {
        await client.create(thread_id, work);
      }
      await client.wait(thread_id, work);
    });
    await Promise.all(users);

    const pids = new Set(scene.ledger().map(({ pid }) => pid));
    expect(pids).not.toContain(api.pid);
    expect(pids.size).toBe(workers.length);
    expect(scene.notes.acknowledged).toHaveLength(THREADS * RUNS_OF_EACH);
    expect((await scene.runs()).every(({ attempt }) => attempt === 1)).toBe(true);
    await scene.expectOrder();
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { load, randomOf } from './load.js';
import { Scene } from './scene.js';

const USERS = 12;
/** Runs that need longer are released to another process. */
const ENV = { BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '0.5' };

describe('a rolling restart', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it('under load loses and repeats nothing, and no attempt is counted', async () => {
    const olds = [];
    for (let member = 1; member <= 3; member += 1) {
      olds.push(await scene.cluster.start({ env: ENV }));
    }
    const over = new AbortController();
    const users = load(scene, {
      users: USERS,
      random: randomOf(1),
      work: { steps: 3, says: 4, ms: 400 },
      over: over.signal,
    });
    await scene.done({ step: 2 });
    for (const old of olds) {
      await scene.cluster.start({ env: ENV });
      expect(await old.stop()).toBe(0);
    }
    over.abort();
    const refused = await users;

    // A connection may close while a request is sent on it; every request that arrives is executed.
    expect(refused.filter((error) => (error as Error).name !== 'ConnectionError')).toEqual([]);
    expect((await scene.runs()).filter(({ attempt }) => attempt !== 1)).toEqual([]);
    await scene.expectOrder();
  });
});

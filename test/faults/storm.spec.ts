import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import type { Member } from '../support/cluster.js';
import { load, randomOf } from './load.js';
import { Scene } from './scene.js';

/** STORM_SEED=… repeats a storm; STORM_SECS=… makes it longer. */
const SEED = Number(process.env.STORM_SEED ?? Date.now() % 1_000_000);
const STORM_MS = Number(process.env.STORM_SECS ?? 25) * 1000;
const USERS = 20;
/** Runs must not fail, however often their process is killed. */
const PATIENT = { BG_JOB_MAX_RETRIES: '1000' };

describe('a storm of SIGKILL', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it(
    `loses, repeats and mixes up nothing (STORM_SEED=${SEED})`,
    async () => {
      process.stderr.write(`STORM_SEED=${SEED}\n`);
      const random = randomOf(SEED);
      const members = [await scene.cluster.start({ env: PATIENT }), await scene.cluster.start({ env: PATIENT })];
      const over = new AbortController();
      const users = load(scene, {
        users: USERS,
        random,
        work: { steps: 3, says: 4, ms: 200 },
        over: over.signal,
      });
      await killAtRandom(members, random);
      over.abort();
      await users;
      await scene.expectOrder();
    },
    STORM_MS + 120_000,
  );

  /** Kills one process at a time; the other one continues until the successor has started. */
  async function killAtRandom(members: Member[], random: () => number): Promise<void> {
    for (const end = Date.now() + STORM_MS; Date.now() < end;) {
      await sleep(500 + random() * 3_000);
      const victim = Math.floor(random() * members.length);
      await members[victim].stop('SIGKILL');
      members[victim] = await scene.cluster.start({ env: PATIENT });
    }
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { SDKS } from '../support/sdk.js';
import type { Scene } from './scene.js';
import type { Witness, Work } from './witness.js';

/** Returns the next number in [0, 1). */
export type Random = () => number;

/** A seeded pseudo-random generator (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Milliseconds that a user waits after a rejected request. */
const RETRY_DELAY_MS = 300;

export interface Load {
  users: number;
  random: Random;
  work: Work;
  /** No new run is created after this. */
  over: AbortSignal;
}

/**
 * Simulates users of a service, each with a thread: they stream, wait, create and join in turn until the end. Returns the
 * requests without a response: whether their runs exist is unknown.
 */
export async function load(scene: Scene, { users, ...options }: Load): Promise<unknown[]> {
  const refused: unknown[] = [];
  const user = async (_: unknown, index: number): Promise<void> => {
    const client = scene.witness(SDKS[index % SDKS.length][1]);
    let thread_id: string | undefined;
    while (!options.over.aborted) {
      try {
        thread_id ??= await client.newThread();
        await useOnce(client, thread_id, options);
      } catch (error) {
        refused.push(error);
        await sleep(RETRY_DELAY_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: users }, user));
  return refused;
}

async function useOnce(client: Witness, thread_id: string, { random, work }: Omit<Load, 'users'>): Promise<void> {
  const choice = random();
  if (choice < 0.4) {
    await client.stream(thread_id, work).finished;
  } else if (choice < 0.6) {
    await client.wait(thread_id, work);
  } else {
    // Several at once: the later ones wait for the thread.
    const run_ids: string[] = [];
    for (let left = Math.ceil(random() * 3); left > 0; left -= 1) {
      run_ids.push(await client.create(thread_id, work));
    }
    await Promise.all(run_ids.map((run_id) => client.join(thread_id, run_id).finished));
  }
}

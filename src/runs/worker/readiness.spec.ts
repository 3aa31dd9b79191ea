import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseLostError } from '../../execution/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { ActiveRun, type StopReason } from './active-run.js';
import { readinessOf } from './readiness.js';

describe('readinessOf', () => {
  let active: ActiveRun;
  let letCatchUp: () => void;
  let letLog: () => void;
  let isReady: () => Promise<void>;

  beforeEach(() => {
    active = new ActiveRun({ run_id: 'r', lease_token: 't' } as ClaimedRun, {});
    const caughtUp = new Promise<void>((resolve) => (letCatchUp = resolve));
    const logged = new Promise<void>((resolve) => (letLog = resolve));
    isReady = readinessOf({ caughtUp: () => caughtUp }, { logged: () => logged }, active);
  });

  it('waits until all events are read from the graph and written to the log', async () => {
    let isDone = false;
    const ready = isReady().then(() => (isDone = true));
    for (const step of [letCatchUp, letLog]) {
      await nextTurn();
      expect(isDone).toBe(false);
      step();
    }
    await ready;
  });

  it.each<StopReason>(['cancelled', 'timeout', 'interrupted', 'rolled_back'])(
    'does not wait for an unavailable log when the run has been stopped for good (%s)',
    async (reason) => {
      const before = isReady();
      active.stop(reason);
      await before;
      await isReady();
    },
  );

  it.each<StopReason>(['shutdown', 'database_lost', 'lease_lost'])(
    'rejects further commits of a run that another worker resumes (%s)',
    async (reason) => {
      const before = isReady();
      active.stop(reason);
      await expect(before).rejects.toThrow(LeaseLostError);
      await expect(isReady()).rejects.toThrow(LeaseLostError);
    },
  );
});

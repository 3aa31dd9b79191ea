import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { PeriodicTask } from './periodic-task.js';

describe('PeriodicTask', () => {
  let clock: ManualClock;
  let runs: PromiseWithResolvers<void>[];
  let task: PeriodicTask;

  const create = (options: { run?: () => unknown; jitter?: number } = {}): PeriodicTask =>
    new PeriodicTask({ name: 'Tests', interval_ms: 100, failure: 'Testing failed', clock, run: waiting, ...options });
  const waiting = (): Promise<void> => {
    const run = withResolvers();
    runs.push(run);
    return run.promise;
  };

  beforeEach(() => {
    clock = new ManualClock();
    runs = [];
    task = create();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('runs once per interval', async () => {
    task.start();
    for (const expected of [0, 1, 2]) {
      expect(runs).toHaveLength(expected);
      runs.forEach(({ resolve }) => resolve());
      await clock.advance(100);
    }
  });

  it('skips an interval that ends during a run', async () => {
    task.start();
    await clock.advance(350);
    expect(runs).toHaveLength(1);
    runs[0].resolve();
    await clock.advance(50);
    expect(runs).toHaveLength(2);
  });

  it('joins the current run when it is run by hand', async () => {
    task.start();
    await clock.advance(100);
    const joined = task.runOnce();
    expect(runs).toHaveLength(1);
    runs[0].resolve();
    await joined;
    void task.runOnce();
    expect(runs).toHaveLength(2);
  });

  it('waits for the current run when it stops, and starts no other one', async () => {
    task.start();
    await clock.advance(100);
    let isStopped = false;
    const stopped = task.stop().then(() => (isStopped = true));
    await clock.advance(500);
    expect(runs).toHaveLength(1);
    expect(task.isStopped).toBe(true);
    expect(isStopped).toBe(false);
    runs[0].resolve();
    await stopped;
  });

  it('logs the first of several errors in a row, and retries', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const outcomes = ['down', 'down', undefined, 'down again'];
    const run = jest.fn(() => {
      const outcome = outcomes.shift();
      if (outcome) {
        throw new Error(outcome);
      }
    });
    create({ run }).start();
    await clock.advance(400);

    expect(run).toHaveBeenCalledTimes(4);
    expect(warn.mock.calls).toEqual([
      ['Testing failed, retrying later: Error: down'],
      ['Testing failed, retrying later: Error: down again'],
    ]);
  });

  it('delays each run by a random share of the interval', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    create({ jitter: 0.5 }).start();
    await clock.advance(124);
    expect(runs).toHaveLength(0);
    await clock.advance(1);
    expect(runs).toHaveLength(1);
  });
});

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: () => void;
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

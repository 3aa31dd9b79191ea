import { describe, expect, it } from '@jest/globals';
import type { DueCron } from './due-crons.js';
import { lagOf, needsOwnTransaction, nextAfter, runOf } from './firing.js';

const DUE = '2026-01-01T12:00:00.000Z';

const dueCron = (fields: Partial<DueCron> = {}, ms = 20): DueCron => ({
  cron_id: 'c',
  thread_id: null,
  schedule: '* * * * * *',
  timezone: null,
  end_time: null,
  on_run_completed: null,
  payload: { assistant_id: 'a', input: { x: 1 } },
  metadata: { m: 1 },
  caller: null,
  next_run_date: new Date(DUE),
  stamp: '1',
  thread_metadata: null,
  is_busy: false,
  now: new Date(Date.parse(DUE) + ms),
  ...fields,
});

const next = (fields: Partial<DueCron>, ms: number): string | undefined =>
  nextAfter(dueCron(fields, ms))?.toISOString();

describe('a fired cron', () => {
  it.each([0, 20, 999, 1_500, 2_000])('%d ms late is next due at the time that follows its due time', (ms) => {
    expect(next({}, ms)).toBe('2026-01-01T12:00:01.000Z');
  });

  it.each([
    [2_001, '2026-01-01T12:00:03.000Z'],
    [3_600_000, '2026-01-01T13:00:01.000Z'],
  ])('%d ms late skips the missed due times before %s', (ms, expected) => {
    expect(next({}, ms)).toBe(expected);
  });

  it('has no due time after its end', () => {
    expect(nextAfter(dueCron({ end_time: new Date(DUE) }))).toBeNull();
  });

  it('has a lag from its due time until its run is committed', () => {
    expect(lagOf(dueCron({}, 20), 5.4)).toBe(25);
  });
});

describe('the run of a cron', () => {
  it('has its own thread, which is deleted unless it is to be kept', () => {
    const requested = { assistant_id: 'a', input: { x: 1 }, metadata: { m: 1 } };
    expect(runOf(dueCron())).toEqual({ ...requested, on_completion: 'delete' });
    expect(runOf(dueCron({ on_run_completed: 'keep' }))).toEqual({ ...requested, on_completion: 'keep' });
  });

  it('has the thread of its cron', () => {
    expect(runOf(dueCron({ thread_id: 't', on_run_completed: 'keep' }))).toMatchObject({ thread_id: 't' });
    expect(runOf(dueCron({ thread_id: 't' }))).not.toHaveProperty('on_completion');
  });

  it.each([
    ['reject', true, true],
    ['interrupt', true, true],
    ['rollback', true, false],
    ['enqueue', true, false],
    [undefined, true, false],
    ['reject', false, false],
    ['interrupt', false, false],
  ] as const)(
    'with %s and a busy thread (%s) needs its own transaction: %s',
    (multitask_strategy, is_busy, expected) => {
      expect(needsOwnTransaction(dueCron({ is_busy, payload: { assistant_id: 'a', multitask_strategy } }))).toBe(
        expected,
      );
    },
  );
});

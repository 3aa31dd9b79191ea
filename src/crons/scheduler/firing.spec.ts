import { describe, expect, it } from '@jest/globals';
import type { DueCron } from './due-crons.js';
import { goesAlone, lagOf, nextAfter, runOf } from './firing.js';

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

describe('a cron that is fired', () => {
  it.each([0, 20, 999, 1_500, 2_000])('%d ms late is due next right after the time it was due for', (ms) => {
    expect(next({}, ms)).toBe('2026-01-01T12:00:01.000Z');
  });

  it.each([
    [2_001, '2026-01-01T12:00:03.000Z'],
    [3_600_000, '2026-01-01T13:00:01.000Z'],
  ])('%d ms late has missed the times before %s', (ms, expected) => {
    expect(next({}, ms)).toBe(expected);
  });

  it('has no next time after its end', () => {
    expect(nextAfter(dueCron({ end_time: new Date(DUE) }))).toBeNull();
  });

  it('is as late as its run is there', () => {
    expect(lagOf(dueCron({}, 20), 5.4)).toBe(25);
  });
});

describe('the run of a cron', () => {
  it('has a thread of its own, which goes unless it is to be kept', () => {
    const asked = { assistant_id: 'a', input: { x: 1 }, metadata: { m: 1 } };
    expect(runOf(dueCron())).toEqual({ ...asked, on_completion: 'delete' });
    expect(runOf(dueCron({ on_run_completed: 'keep' }))).toEqual({ ...asked, on_completion: 'keep' });
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
  ] as const)('with %s and a busy thread (%s) goes alone: %s', (multitask_strategy, is_busy, expected) => {
    expect(goesAlone(dueCron({ is_busy, payload: { assistant_id: 'a', multitask_strategy } }))).toBe(expected);
  });
});

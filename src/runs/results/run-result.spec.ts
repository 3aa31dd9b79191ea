import { describe, expect, it } from '@jest/globals';
import type { SettledState } from '../../threads/index.js';
import { type RunEnding, settleRun } from './run-result.js';

const interrupt = { id: 'i', value: 'why?' };
const links = { helpful: 'https://langsmith.example/1' };
const failure = { error: 'E', message: 'm' };

const state = (values: unknown, tasks: SettledState['tasks'] = []): SettledState => ({ values, tasks });
const waiting = [{ id: 'a', interrupts: [interrupt] }];
const atBreakpoint = [{ id: 'a', interrupts: [] }];
const outcome = (rawValues: unknown) => ({ values: JSON.stringify(rawValues), rawValues });

const resultOf = (ending: Partial<RunEnding>): unknown =>
  JSON.parse(settleRun({ status: 'success', ...ending }).result);

describe('the result of a run', () => {
  it.each<[string, Partial<RunEnding>, unknown]>([
    ['the last state', { state: state({ a: 1 }) }, { a: 1 }],
    ['the last state of a run without checkpoints', { outcome: outcome({ a: 1 }) }, { a: 1 }],
    ['an object when there is no state', {}, {}],
    ['an object instead of null', { state: state(null) }, {}],
    ['a list for a list state', { state: state([1]) }, [1]],
    ['an object for a string', { state: state('done') }, { __end__: 'done' }],
    ['state and interrupts', { state: state({ a: 1 }, waiting) }, { a: 1, __interrupt__: [interrupt] }],
    ['interrupts alone', { state: state({}, waiting) }, { __interrupt__: [interrupt] }],
    ['an empty list at a breakpoint', { state: state({ a: 1 }, atBreakpoint) }, { a: 1, __interrupt__: [] }],
    [
      'the interrupts of a run without checkpoints',
      { outcome: { ...outcome({ a: 1 }), interrupts: [interrupt] } },
      { a: 1, __interrupt__: [interrupt] },
    ],
    [
      'untracked values, which the state does not hold',
      { outcome: outcome({ a: 1, untracked: 2 }), state: state({ a: 1 }) },
      { a: 1, untracked: 2 },
    ],
    [
      'the stored state of a cancelled run, without the mark of a breakpoint',
      { status: 'interrupted', outcome: outcome({ a: 0 }), state: state({ a: 1 }, atBreakpoint) },
      { a: 1 },
    ],
    [
      'interrupts that a cancelled run has left',
      { status: 'interrupted', state: state({ a: 1 }, waiting) },
      { a: 1, __interrupt__: [interrupt] },
    ],
    [
      'the error, whatever the state',
      { status: 'error', error: failure, state: state({ a: 1 }) },
      { __error__: failure },
    ],
    ['feedback links', { feedback: links, state: state({ a: 1 }) }, { a: 1, __feedback__: links }],
    ['feedback links alone', { feedback: links }, { __feedback__: links }],
    [
      'interrupts and feedback links',
      { feedback: links, state: state({ a: 1 }, waiting) },
      { a: 1, __interrupt__: [interrupt], __feedback__: links },
    ],
    ['a list without feedback links', { feedback: links, state: state([1]) }, [1]],
    [
      'the error and feedback links',
      { status: 'error', error: failure, feedback: links },
      { __error__: failure, __feedback__: links },
    ],
  ])('is %s', (_, ending, expected) => {
    expect(resultOf(ending)).toEqual(expected);
  });
});

describe('the thread after a run', () => {
  const threadOf = (ending: Partial<RunEnding>) => settleRun({ status: 'success', ...ending }).thread;

  it('shows the stored state, without untracked values', () => {
    const { values, status } = threadOf({ outcome: outcome({ a: 1, untracked: 2 }), state: state({ a: 1 }) });
    expect([values, status]).toEqual(['{"a":1}', 'idle']);
  });

  it('reuses the JSON of the stream when the state holds the same values', () => {
    const list = [1];
    const values = '{"list":[1] }';
    expect(threadOf({ outcome: { values, rawValues: { list } }, state: state({ list }) }).values).toBe(values);
    expect(threadOf({ outcome: { values, rawValues: { list } }, state: state({ list: [2] }) }).values).toBe(
      '{"list":[2]}',
    );
  });

  it('shows the last values and whether the graph was interrupted when the state cannot be read', () => {
    const stopped = { outcome: { ...outcome({ a: 1 }), interrupts: [] } };
    expect(threadOf(stopped)).toEqual({ status: 'interrupted', values: '{"a":1}', interrupts: '{}' });
    expect(threadOf({ ...stopped, status: 'error' })).toMatchObject({ status: 'error' });
    expect(threadOf({ outcome: outcome({ a: 1 }) })).toMatchObject({ status: 'idle' });
  });
});

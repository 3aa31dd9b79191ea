import { describe, expect, it } from '@jest/globals';
import {
  columnsWithoutState,
  type LastRunStatus,
  pendingInterrupts,
  type SettledState,
  threadColumns,
  threadStatus,
} from './thread-status.js';

const interrupt = { id: 'i', value: 'why?' };
const finished: SettledState = { values: { n: 1 }, tasks: [] };
const atBreakpoint: SettledState = { values: { n: 1 }, tasks: [{ id: 'a', interrupts: [] }] };
const interrupted: SettledState = {
  values: { n: 1 },
  tasks: [
    { id: 'a', interrupts: [interrupt] },
    { id: 'b', interrupts: [], result: null },
    { id: 'done', interrupts: [], result: { n: 2 } },
  ],
};

describe('the status of a thread', () => {
  it.each<[LastRunStatus | undefined, SettledState | undefined, string]>([
    ['success', finished, 'idle'],
    ['success', atBreakpoint, 'interrupted'],
    ['success', interrupted, 'interrupted'],
    ['success', undefined, 'idle'],
    ['drained', atBreakpoint, 'interrupted'],
    ['drained', finished, 'idle'],
    ['error', interrupted, 'error'],
    ['timeout', finished, 'error'],
    ['interrupted', interrupted, 'idle'],
    [undefined, finished, 'idle'],
    [undefined, interrupted, 'interrupted'],
  ])('after %s with the state %j is %s', (last, state, status) => {
    expect(threadStatus(last, state)).toBe(status);
  });
});

describe('the pending interrupts of a thread', () => {
  it('are those of all tasks', () => {
    expect(pendingInterrupts(interrupted)).toEqual([interrupt]);
    expect(pendingInterrupts(atBreakpoint)).toEqual([]);
  });

  it.each([
    ['include the unfinished tasks of an interrupted thread', 'interrupted', interrupted, { a: [interrupt], b: [] }],
    ['include the tasks at a breakpoint', 'interrupted', atBreakpoint, { a: [] }],
    ['omit tasks without an interrupt on an idle thread', 'idle', interrupted, { a: [interrupt] }],
    ['omit tasks without an interrupt on a failed thread', 'error', atBreakpoint, {}],
  ] as const)('%s', (_, status, state, expected) => {
    expect(JSON.parse(threadColumns(status, state).interrupts)).toEqual(expected);
  });

  it('are stored in wire format, with characters replaced that PostgreSQL rejects', () => {
    const value = { at: 10n, text: 'a\u0000b' };
    const { interrupts } = threadColumns('idle', {
      values: {},
      tasks: [{ id: 'a', interrupts: [{ id: 'i', value }] }],
    });
    expect(JSON.parse(interrupts)).toEqual({ a: [{ id: 'i', value: { at: '10', text: 'a\ufffdb' } }] });
  });
});

describe('the columns of a thread whose state cannot be read', () => {
  it.each<[LastRunStatus, boolean, string]>([
    ['success', false, 'idle'],
    ['success', true, 'interrupted'],
    ['error', true, 'error'],
    ['timeout', false, 'error'],
    ['interrupted', true, 'idle'],
  ])('after %s, interrupted by the graph: %s, have the status %s', (last, isInterrupted, status) => {
    expect(columnsWithoutState(last, { valuesJson: '{"n":1}', isInterrupted })).toEqual({
      status,
      values: '{"n":1}',
      interrupts: '{}',
    });
  });

  it('keep the values when none are known', () => {
    expect(columnsWithoutState('success', { isInterrupted: false }).values).toBeUndefined();
  });
});

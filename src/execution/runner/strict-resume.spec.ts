import { describe, expect, it } from '@jest/globals';
import type { GraphState, GraphTask } from '../graphs/graph.js';
import { isUnknownInterrupt, checkStrictResume, resumeTargetOf } from './strict-resume.js';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(32));

describe('checkStrictResume', () => {
  it.each<[name: string, resume: unknown, pending: string[]]>([
    ['the only interrupt, without its id', 'yes', [A]],
    ['the only interrupt, by id', { [A]: 'yes' }, [A]],
    ['one of two interrupts', { [A]: 'yes' }, [A, B]],
    ['all interrupts', { [A]: 'yes', [B]: null }, [A, B]],
    ['the only interrupt, with an object', { answer: 'yes' }, [A]],
    ['the only interrupt, with null', null, [A]],
  ])('accepts a resume of %s', (_name, resume, pendingIds) => {
    expect(checkStrictResume(resume, { pendingIds, hasNext: true })).toBeUndefined();
  });

  it('accepts a resume from a breakpoint', () => {
    expect(checkStrictResume('yes', { pendingIds: [], hasNext: true })).toBeUndefined();
  });

  it.each<[name: string, resume: unknown, pending: string[], fields: object]>([
    ['an interrupt that is not pending', { [C]: 1 }, [B, A], { reason: 'not_pending', interruptIds: [C] }],
    [
      'one pending interrupt and one that is not',
      { [A]: 1, [C]: 1 },
      [A],
      { reason: 'not_pending', interruptIds: [C] },
    ],
    ['an empty map', {}, [A], { reason: 'empty_map', interruptIds: [] }],
    ['one resume value for two interrupts', 'yes', [A, B], { reason: 'ambiguous', interruptIds: [] }],
    ['one object for two interrupts', { answer: 1 }, [A, B], { reason: 'ambiguous', interruptIds: [] }],
  ])('rejects %s', (_name, resume, pendingIds, fields) => {
    const refusal = checkStrictResume(resume, { pendingIds, hasNext: true });
    expect(refusal).toMatchObject({ name: 'UnknownInterruptError', ...fields, pendingIds: [...pendingIds].sort() });
  });

  it.each([['yes'], [null], [{ [A]: 1 }]])('rejects %j when no interrupt is pending', (resume) => {
    expect(checkStrictResume(resume, { pendingIds: [], hasNext: false })).toMatchObject({ reason: 'not_pending' });
  });
});

describe('isUnknownInterrupt', () => {
  const refusal = checkStrictResume({ [C]: 1 }, { pendingIds: [A], hasNext: true })!;

  it('recognizes the error of a run that has not started, from any copy of LangGraph', () => {
    expect(isUnknownInterrupt(refusal)).toBe(true);
    expect(isUnknownInterrupt({ ...refusal, name: refusal.name })).toBe(true);
  });

  it.each([
    ['an error thrown by a task, which LangGraph marks', { pregelTaskId: 'task' }],
    ['an error of another name', { name: 'Error' }],
    ['an error without a reason', { reason: undefined }],
    ['an error whose ids are not strings', { pendingIds: [1] }],
  ])('does not match %s', (_name, fields) => {
    expect(isUnknownInterrupt({ ...refusal, name: refusal.name, ...fields })).toBe(false);
  });
});

describe('resumeTargetOf', () => {
  const task = (id: string, rest: Partial<GraphTask> = {}): GraphTask => ({
    id,
    name: id,
    interrupts: [{ id, value: 1 }],
    ...rest,
  });
  const state = (tasks: GraphTask[]): GraphState => ({
    values: {},
    next: tasks.map(({ name }) => name),
    tasks,
    config: {},
  });

  it('returns the interrupts of unfinished tasks', () => {
    const tasks = [task(A), task(B, { result: { answer: 1 } }), task(C, { interrupts: [] })];
    expect(resumeTargetOf(state(tasks))).toEqual({ pendingIds: [A], hasNext: true });
    expect(resumeTargetOf(state([]))).toEqual({ pendingIds: [], hasNext: false });
  });
});

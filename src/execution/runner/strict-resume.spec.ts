import { describe, expect, it } from '@jest/globals';
import type { GraphState, GraphTask } from '../graphs/graph.js';
import { isUnknownInterrupt, resumeRefusal, standstillOf } from './strict-resume.js';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(32));

describe('resumeRefusal', () => {
  it.each<[name: string, resume: unknown, pending: string[]]>([
    ['the only question, without its name', 'yes', [A]],
    ['the only question, by its name', { [A]: 'yes' }, [A]],
    ['one of two questions', { [A]: 'yes' }, [A, B]],
    ['all questions', { [A]: 'yes', [B]: null }, [A, B]],
    ['the only question, with an object', { answer: 'yes' }, [A]],
    ['the only question, with null', null, [A]],
  ])('has nothing against answering %s', (_name, resume, pendingIds) => {
    expect(resumeRefusal(resume, { pendingIds, hasNext: true })).toBeUndefined();
  });

  it('has nothing against going on from a breakpoint', () => {
    expect(resumeRefusal('yes', { pendingIds: [], hasNext: true })).toBeUndefined();
  });

  it.each<[name: string, resume: unknown, pending: string[], fields: object]>([
    ['a question that does not wait', { [C]: 1 }, [B, A], { reason: 'not_pending', interruptIds: [C] }],
    ['one that waits and one that does not', { [A]: 1, [C]: 1 }, [A], { reason: 'not_pending', interruptIds: [C] }],
    ['an empty map', {}, [A], { reason: 'empty_map', interruptIds: [] }],
    ['one answer to two questions', 'yes', [A, B], { reason: 'ambiguous', interruptIds: [] }],
    ['one object to two questions', { answer: 1 }, [A, B], { reason: 'ambiguous', interruptIds: [] }],
  ])('refuses %s', (_name, resume, pendingIds, fields) => {
    const refusal = resumeRefusal(resume, { pendingIds, hasNext: true });
    expect(refusal).toMatchObject({ name: 'UnknownInterruptError', ...fields, pendingIds: [...pendingIds].sort() });
  });

  it.each([['yes'], [null], [{ [A]: 1 }]])('refuses %j when nothing waits', (resume) => {
    expect(resumeRefusal(resume, { pendingIds: [], hasNext: false })).toMatchObject({ reason: 'not_pending' });
  });
});

describe('isUnknownInterrupt', () => {
  const refusal = resumeRefusal({ [C]: 1 }, { pendingIds: [A], hasNext: true })!;

  it('knows the error of a run that has not begun, from whatever copy of LangGraph', () => {
    expect(isUnknownInterrupt(refusal)).toBe(true);
    expect(isUnknownInterrupt({ ...refusal, name: refusal.name })).toBe(true);
  });

  it.each([
    ['what a task has thrown, which LangGraph marks', { pregelTaskId: 'task' }],
    ['an error of another name', { name: 'Error' }],
    ['one without a reason', { reason: undefined }],
    ['one whose ids are no strings', { pendingIds: [1] }],
  ])('does not take %s for it', (_name, fields) => {
    expect(isUnknownInterrupt({ ...refusal, name: refusal.name, ...fields })).toBe(false);
  });
});

describe('standstillOf', () => {
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

  it('knows the questions of the tasks that have not finished', () => {
    const tasks = [task(A), task(B, { result: { answer: 1 } }), task(C, { interrupts: [] })];
    expect(standstillOf(state(tasks))).toEqual({ pendingIds: [A], hasNext: true });
    expect(standstillOf(state([]))).toEqual({ pendingIds: [], hasNext: false });
  });
});

import { expect, it } from '@jest/globals';
import { MULTITASK_STRATEGIES } from '../run.entity.js';
import { resolveMultitask } from './multitask.js';

it.each([...MULTITASK_STRATEGIES])('a run with %s starts at once on an idle thread', (strategy) => {
  expect(resolveMultitask(strategy, false)).toEqual({ action: 'start' });
});

it.each([
  ['enqueue', { action: 'enqueue' }],
  ['reject', { action: 'reject' }],
  ['interrupt', { action: 'replace', by: 'interrupt' }],
  ['rollback', { action: 'replace', by: 'rollback' }],
] as const)('on a busy thread %s means %j', (strategy, decision) => {
  expect(resolveMultitask(strategy, true)).toEqual(decision);
});

import { expect, it } from '@jest/globals';
import type { MultitaskStrategy } from '../run.entity.js';
import { resolveMultitask } from './multitask.js';

it.each([
  ['enqueue', false, 'start'],
  ['reject', false, 'start'],
  ['enqueue', true, 'enqueue'],
  ['reject', true, 'reject'],
])('%s on a thread whose being busy is %s means to %s the run', (strategy, isBusy, decision) => {
  expect(resolveMultitask(strategy as MultitaskStrategy, isBusy)).toBe(decision);
});

import { expect, it } from '@jest/globals';
import { readInstant } from './instant.js';

it.each([
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00.123456+00:00', '2026-01-31T12:00:00.123Z'],
  ['2026-01-31T12:00:00-05:30', '2026-01-31T17:30:00.000Z'],
  ['2026-01-31T12:00:00+0530', '2026-01-31T06:30:00.000Z'],
  ['2026-01-31 12:00', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
])('%s is parsed as %s', (value, instant) => {
  expect(readInstant(value)?.toISOString()).toBe(instant);
});

it.each([
  '',
  'tomorrow',
  '2026',
  '2026-13-01',
  '2026-01-31T25:00:00Z',
  '12026-01-31T00:00:00Z',
  1_800_000_000,
  null,
  {},
])('%j is not an instant', (value) => {
  expect(readInstant(value)).toBeUndefined();
});

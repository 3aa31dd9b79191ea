import { describe, expect, it } from '@jest/globals';
import { MAX_ATTEMPTS, retryAfterMs, retryDelayMs } from './back-off.js';

const longest = (attempt: number, requested?: number) => retryDelayMs(attempt, requested, () => 0);
const shortest = (attempt: number, requested?: number) => retryDelayMs(attempt, requested, () => 1);

describe('retryDelayMs', () => {
  it.each([
    [1, 2_000],
    [2, 8_000],
    [3, 32_000],
    [4, 128_000],
    [5, 512_000],
    [6, 2_048_000],
  ])('after attempt %i is at most %i ms, and at least half of that', (attempt, ms) => {
    expect(longest(attempt)).toBe(ms);
    expect(shortest(attempt)).toBe(ms / 2);
  });

  it('retries for three quarters of an hour in total', () => {
    const delays = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => longest(index + 1));
    expect(delays.reduce((sum, delay) => sum + delay)).toBe(2_730_000);
  });

  it.each([
    [1, 60_000, 60_000],
    [1, 10, 2_000],
    [1, 10 * 3_600_000, 3_600_000],
    [9, undefined, 3_600_000],
  ])('after attempt %i, when the receiver requests %s ms, is %i ms', (attempt, requested, expected) => {
    expect(longest(attempt, requested)).toBe(expected);
  });
});

describe('retryAfterMs', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

  it.each([
    ['120', 120_000],
    ['Wed, 21 Oct 2026 07:29:00 GMT', 60_000],
    ['Wed, 21 Oct 2026 07:27:00 GMT', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads %j as %s ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});

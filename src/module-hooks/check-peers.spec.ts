import { describe, expect, it } from '@jest/globals';
import { satisfiesCaret } from './check-peers.js';

describe('satisfiesCaret', () => {
  it.each([
    ['1.1.5', true],
    ['1.1.6', true],
    ['1.2.0', true],
    ['1.10.0', true],
    ['1.2.0-dev-1', true],
    ['1.1.5+build', true],
    ['1.1.4', false],
    ['1.0.99', false],
    ['1.1.5-rc.1', false],
    ['0.9.9', false],
    ['2.0.0', false],
  ])('reports whether %s satisfies ^1.1.5: %s', (version, fits) => {
    expect(satisfiesCaret(version, '^1.1.5')).toBe(fits);
  });
});

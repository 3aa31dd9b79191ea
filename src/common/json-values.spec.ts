import { describe, expect, it } from '@jest/globals';
import { hasMoreCharacters, hasMoreValues, isStorableJson } from './json-values.js';

describe('the number of values', () => {
  it.each<[unknown, number]>([
    [1, 1],
    [null, 1],
    [{}, 1],
    [[0, 'a', null], 4],
    [{ a: [{}, []], b: { c: 1 } }, 6],
  ])('of %j is %i', (value, count) => {
    expect(hasMoreValues(value, count)).toBe(false);
    expect(hasMoreValues(value, count - 1)).toBe(true);
  });
});

describe('the number of characters', () => {
  it.each<[unknown, number]>([
    ['four', 4],
    [{ key: 'value', other: ['a', { b: 'c' }] }, 16],
    [[1, ['x'], true], 1],
  ])('of %j is %i', (value, count) => {
    expect(hasMoreCharacters(value, count)).toBe(false);
    expect(hasMoreCharacters(value, count - 1)).toBe(true);
  });
});

describe('JSON that PostgreSQL can store', () => {
  it.each<[unknown]>([[{ a: ['\u0001', '\u{1f680}', '\\u0000'] }], ['\\ud800'], [null], [{ '': 1 }]])('%j', (value) => {
    expect(isStorableJson(value)).toBe(true);
  });

  it.each<[unknown]>([['\0'], [{ 'a\0': 1 }], [[[{ a: ['\ud83d'] }]]], [{ '\udc00': {} }]])(
    'and what not: %j',
    (value) => {
      expect(isStorableJson(value)).toBe(false);
    },
  );

  it('may be nested deeply', () => {
    let deep: unknown = '\0';
    for (let level = 0; level < 100_000; level++) {
      deep = [deep];
    }
    expect(isStorableJson(deep)).toBe(false);
  });
});

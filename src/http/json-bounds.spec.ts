import { describe, expect, it } from '@jest/globals';
import { exceededBound } from './json-bounds.js';

const isDeeperThan = (depth: number, json: string): boolean =>
  exceededBound(json, { depth, values: Infinity }) === 'depth';
const hasMoreThan = (values: number, json: string): boolean =>
  exceededBound(json, { depth: Infinity, values }) === 'values';

const lists = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const objects = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);

describe('the depth of JSON', () => {
  it.each([
    ['lists', lists(10)],
    ['objects', objects(10)],
    ['both', '[{"a":'.repeat(5) + '1' + '}]'.repeat(5)],
    ['many side by side', `[${Array(50).fill(lists(9)).join(',')}]`],
  ])('counts the levels of %s', (_name, json) => {
    expect(isDeeperThan(10, json)).toBe(false);
    expect(isDeeperThan(9, json)).toBe(true);
  });

  it.each([
    ['brackets', '["[[[[[[[[[[[["]'],
    ['quotes behind a backslash', '["\\"[[[[[[[[[[[["]'],
    ['backslashes before the closing quote', '["[[[[[[\\\\","[[[[[[[\\\\\\\\"]'],
    ['an escaped backslash and a quote', '["\\\\\\"[[[[[[[[[[[["]'],
  ])('does not count brackets in a string: %s', (_name, json) => {
    JSON.parse(json);
    expect(isDeeperThan(2, json)).toBe(false);
  });

  it('counts the levels after a string', () => {
    expect(isDeeperThan(5, `["\\\\", ${lists(5)}]`)).toBe(true);
  });

  it.each(['"'.repeat(30), '["'.repeat(30), ']'.repeat(30), '\\"'.repeat(30)])(
    'has an end for what is no JSON: %s',
    (text) => {
      expect(typeof isDeeperThan(5, text)).toBe('boolean');
    },
  );
});

describe('the number of values of JSON', () => {
  it.each<[json: string, values: number]>([
    ['{}', 1],
    ['[ ]', 1],
    ['"a, b, c"', 1],
    ['[0]', 2],
    ['[0, 1 , 2]', 4],
    ['[{},{},[]]', 4],
    ['[[[[]]]]', 4],
    ['{"a":1,"b":{"c":[true,null]}}', 6],
    ['{"a":"[,,,","b\\",":["\\\\",""]}', 5],
    ['[\n\t"x"\r\n]', 2],
  ])('of %j is %i', (json, values) => {
    JSON.parse(json);
    expect(hasMoreThan(values, json)).toBe(false);
    // At least one is always allowed.
    expect(hasMoreThan(values - 1, json)).toBe(values > 1);
  });

  it('stops at the limit', () => {
    expect(hasMoreThan(100, `[${'{},'.repeat(200)}`)).toBe(true);
  });
});

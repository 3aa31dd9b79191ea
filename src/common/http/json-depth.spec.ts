import { describe, expect, it } from '@jest/globals';
import { isDeeperThan } from './json-depth.js';

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
  ])('does not take what stands in a text for levels: %s', (_name, json) => {
    JSON.parse(json);
    expect(isDeeperThan(2, json)).toBe(false);
  });

  it('sees the levels behind a text', () => {
    expect(isDeeperThan(5, `["\\\\", ${lists(5)}]`)).toBe(true);
  });

  it.each(['"'.repeat(30), '["'.repeat(30), ']'.repeat(30), '\\"'.repeat(30)])(
    'has an end for what is no JSON: %s',
    (text) => {
      expect(typeof isDeeperThan(5, text)).toBe('boolean');
    },
  );
});

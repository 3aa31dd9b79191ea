import { describe, expect, it } from '@jest/globals';
import { isExtract, parsePath } from './extract.js';

describe('parsePath', () => {
  it.each([
    ['values', 'values', []],
    ['metadata.owner', 'metadata', ['owner']],
    ['values.messages[-1].content', 'values', ['messages', '-1', 'content']],
    ['values[0][1]', 'values', ['0', '1']],
    ['interrupts.a-b c.0', 'interrupts', ['a-b c', '0']],
    ['config.configurable.größe', 'config', ['configurable', 'größe']],
  ])('parses %s', (path, column, keys) => {
    expect(parsePath(path)).toEqual({ column, keys });
  });

  it.each([
    '',
    'kwargs',
    'values.',
    'values..a',
    'values[x]',
    'values[1',
    'valuesx',
    'a.values',
    'values.a\0',
    7,
    null,
  ])('rejects %j', (path) => {
    expect(parsePath(path)).toBeUndefined();
  });
});

describe('isExtract', () => {
  it('accepts at most ten paths', () => {
    const paths = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, 'values']));
    expect(isExtract(paths(10))).toBe(true);
    expect(isExtract(paths(11))).toBe(false);
    expect(isExtract(['values'])).toBe(false);
    expect(isExtract({ a: 'nothing' })).toBe(false);
  });

  it('rejects names that the database cannot store and overlong paths', () => {
    expect(isExtract({ 'a\0': 'values' })).toBe(false);
    expect(isExtract({ a: `values${'.a'.repeat(490)}` })).toBe(true);
    expect(isExtract({ a: `values${'.a'.repeat(500)}` })).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ValidationFailedError } from '../common/index.js';
import { filterSql, isEmpty, parseFilter } from './filter.js';

describe('parseFilter', () => {
  it.each<[object, object | undefined, boolean]>([
    [{}, undefined, false],
    [{ a: 1, b: 'x' }, { a: 1, b: 'x' }, true],
    [{ a: { b: { c: null } } }, { a: { b: { c: null } } }, true],
    [{ a: { $eq: 1, $ne: 2 } }, { a: 1 }, true],
    [{ a: { $gt: 1 } }, undefined, false],
    [{ a: { b: { $gt: 1 } } }, { a: {} }, false],
    [{ a: [] }, { a: [] }, false],
    [{ a: [1] }, { a: [1] }, true],
    [{ a: { b: { $gt: 1 }, c: 2 }, d: { $ne: 1 } }, { a: { c: 2 } }, true],
  ])('returns what values that match %j contain, and whether the index supports it', (filter, contains, isIndexed) => {
    expect(parseFilter(filter as never)).toMatchObject({ contains, isIndexed });
  });

  it('recognizes a filter that every value matches', () => {
    expect(isEmpty(parseFilter({}))).toBe(true);
    expect(isEmpty(parseFilter({ a: { $ne: 1 } }))).toBe(false);
  });

  it('treats a key with a meaning in JavaScript as a key', () => {
    const filter = JSON.parse('{"__proto__": {"a": 1}}') as Record<string, unknown>;
    expect(JSON.stringify(parseFilter(filter).contains)).toBe('{"__proto__":{"a":1}}');
    expect(({} as { a?: number }).a).toBeUndefined();
  });

  it('refuses a filter that is nested too deeply', () => {
    let filter: Record<string, unknown> = { a: 1 };
    for (let level = 0; level < 40; level += 1) {
      filter = { a: filter };
    }
    expect(() => parseFilter(filter)).toThrow(ValidationFailedError);
  });
});

it('values of a filter are never part of the SQL', () => {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const evil = `x' OR true --`;
  const text = filterSql(
    parseFilter({
      [evil]: evil,
      a: { $gt: evil, $lt: 3, $in: [evil], $nin: [evil], $ne: evil },
      b: { [evil]: [evil] },
    }),
    parameter,
  );
  expect(text).not.toContain('OR');
  expect(values.length).toBeGreaterThan(8);
});

import { describe, expect, it } from '@jest/globals';
import { AuthHandlerError } from './auth.errors.js';
import { filterSql, matches, parseFilter } from './auth-filter.js';

const passes = (filter: unknown, metadata: Record<string, unknown>): boolean => matches(parseFilter(filter), metadata);

describe('a filter that a handler returns', () => {
  it.each<[unknown, Record<string, unknown>, boolean]>([
    [{ owner: 'a' }, { owner: 'a', other: 1 }, true],
    [{ owner: 'a' }, { owner: 'b' }, false],
    [{ owner: 'a' }, {}, false],
    [{ owner: { $eq: 'a' } }, { owner: 'a' }, true],
    [{ owner: { $eq: 1 } }, { owner: '1' }, false],
    [{ owner: null }, { owner: null }, true],
    [{ owner: null }, {}, false],
    [{ team: { id: 1 } }, { team: { id: 1 } }, true],
    [{ team: { id: 1 } }, { team: { id: 1, more: 2 } }, false],
    [{ tags: { $contains: 'x' } }, { tags: ['y', 'x'] }, true],
    [{ tags: { $contains: 'x' } }, { tags: 'x' }, false],
    [{ tags: { $contains: ['x', 'y'] } }, { tags: ['y', 'z', 'x'] }, true],
    [{ tags: { $contains: ['x', 'q'] } }, { tags: ['y', 'z', 'x'] }, false],
    [{ tags: { $contains: [] } }, { tags: [] }, true],
    [{ tags: { $contains: [] } }, {}, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [{ a: 1, b: 2 }, { a: 1, b: 2 }, true],
    [{ $or: [{ a: 1 }, { b: 2 }] }, { b: 2 }, true],
    [{ $or: [{ a: 1 }, { b: 2 }] }, { b: 3 }, false],
    [{ $and: [{ a: 1 }, { $or: [{ b: 1 }, { b: 2 }] }] }, { a: 1, b: 2 }, true],
    [{ $and: [{ a: 1 }, { $or: [{ b: 1 }, { b: 2 }] }] }, { a: 1, b: 3 }, false],
    [{ a: 1, $or: [{ b: 1 }] }, { b: 1 }, false],
    [{}, { anything: 1 }, true],
    [{ toString: 'x' }, {}, false],
  ])('%j on metadata %j matches: %s', (filter, metadata, expected) => {
    expect(passes(filter, metadata)).toBe(expected);
  });

  it.each([
    ['a string', 'mine'],
    ['a list', [{ owner: 'a' }]],
    ['a number', 1],
    ['an undefined value', { owner: undefined }],
    ['an undefined value in an operator', { owner: { $eq: undefined } }],
    ['an undefined value in $contains', { tags: { $contains: ['a', undefined] } }],
    ['an object in $contains', { tags: { $contains: [{ a: 1 }] } }],
    ['an unknown operator', { owner: { $regex: '.*' } }],
    ['an unknown operator beside a known one', { owner: { $eq: 'a', $ne: 'b' } }],
    ['an $or that is not a list', { $or: { owner: 'a' } }],
    ['an empty $or', { $or: [] }],
    ['an $or whose item is not a filter', { $or: ['a'] }],
  ])('is rejected with %s', (_, filter) => {
    expect(() => parseFilter(filter)).toThrow(AuthHandlerError);
  });

  it('passes its keys and values as parameters of its SQL', () => {
    const parameters: string[] = [];
    const add = (value: string) => `$${parameters.push(value)}`;
    const filter = parseFilter({ "o'wner": 'a', $or: [{ 'x"': 1 }, { tags: { $contains: ["'"] } }] });
    expect(filterSql(filter, 't.metadata', add)).toBe(
      '(t.metadata @> $1::jsonb AND (t.metadata @> $2::jsonb OR t.metadata @> $3::jsonb))',
    );
    expect(parameters).toEqual(['{"o\'wner":"a"}', '{"x\\"":1}', '{"tags":["\'"]}']);
  });
});

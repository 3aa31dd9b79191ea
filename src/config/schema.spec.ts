import { describe, expect, it } from '@jest/globals';
import { Findings } from './findings.js';
import { readInto } from './read-value.js';
import {
  anything,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  number,
  object,
  oneOf,
  parsed,
  type Schema,
  string,
} from './schema.js';

function read<T>(schema: Schema<T>, value: unknown) {
  const findings = new Findings();
  return { value: readInto(schema, value, findings), problems: findings.problems, warnings: findings.warnings };
}

describe('a schema', () => {
  const upperCase = parsed('some letters', (value) => (value === '' ? undefined : value.toUpperCase()));

  it.each<[string, Schema, unknown, unknown]>([
    ['a string', string(), 'a', 'a'],
    ['a string that matches a pattern', string({ pattern: /^a/ }), 'ab', 'ab'],
    ['a flag', flag(), false, false],
    ['a number', number(), 1.5, 1.5],
    ['a bound itself', integer({ min: 1, max: 3 }), 3, 3],
    ['one of several words', oneOf('a', 'b'), 'b', 'b'],
    ['a list', listOf(number()), [1, 2], [1, 2]],
    ['a map', mapOf(number()), { x: 1 }, { x: 1 }],
    ['the second alternative', either('a string or a number', string(), number()), 7, 7],
    ['a converted value', upperCase, 'a', 'A'],
    ['an object without its optional members', object({ a: string(), b: string() }), { a: 'x' }, { a: 'x' }],
    ['null as a member that was not given', object({ a: string() }), { a: null }, {}],
    [
      'a key that is special in JavaScript',
      mapOf(number()),
      JSON.parse('{"__proto__": 1}'),
      JSON.parse('{"__proto__": 1}'),
    ],
  ])('reads %s', (_what, schema, value, expected) => {
    expect(read(schema, value)).toEqual({ value: expected, problems: [], warnings: [] });
  });

  it.each<[string, Schema, unknown, string]>([
    ['a number for a string', string(), 1, 'expected a string, got a number'],
    ['a string that does not match', string({ expected: 'an a', pattern: /^a$/ }), 'b', 'expected an a, got "b"'],
    ['a string for a flag', flag(), 'true', 'expected true or false, got a string'],
    ['less than the least', integer({ min: 1 }), 0, 'expected a whole number of at least 1, got 0'],
    ['more than the most', number({ min: 0, max: 9 }), 10, 'expected a number from 0 to 9, got 10'],
    ['a fraction for a whole number', integer(), 1.5, 'expected a whole number, got 1.5'],
    ['an unknown word', oneOf('a', 'b'), 'c', 'expected "a" or "b", got "c"'],
    ['a list for an object', object({}), [], 'expected an object, got a list'],
    ['an object for a list', listOf(string()), {}, 'expected a list, got an object'],
    ['null', mapOf(string()), null, 'expected an object, got null'],
    [
      'too few entries',
      mapOf(string(), { checks: [{ fits: (value) => Object.keys(value).length > 0, expected: 'one or more' }] }),
      {},
      'expected one or more, got {}',
    ],
    [
      'a kind that no alternative accepts',
      either('a string or true or false', string(), flag()),
      1,
      'expected a string or true or false, got a number',
    ],
    ['what a conversion refuses', upperCase, '', 'expected some letters, got ""'],
    ['a missing member that is required', object({}, { a: string() }), {}, 'a: expected a string, got nothing'],
    [
      'null for a member that is required',
      object({}, { a: string() }),
      { a: null },
      'a: expected a string, got nothing',
    ],
  ])('rejects %s', (_what, schema, value, problem) => {
    expect(read(schema, value)).toEqual({ value: undefined, problems: [problem], warnings: [] });
  });

  it('names the path of a value inside lists, maps and objects', () => {
    const schema = object({ graphs: mapOf(listOf(object({ path: string() }))) });
    expect(read(schema, { graphs: { 'my-graph': [{}, { path: 1 }], 'a b': 5 } }).problems).toEqual([
      'graphs.my-graph[1].path: expected a string, got a number',
      'graphs["a b"]: expected a list, got a number',
    ]);
  });

  it('reports the problems inside the alternative that the author meant', () => {
    const schema = either('a string or an object', string(), object({}, { path: string() }));
    expect(read(schema, {}).problems).toEqual(['path: expected a string, got nothing']);
  });

  it('warns about an unknown key and skips it', () => {
    const schema = object({ http: object({ cors: anything() }) });
    expect(read(schema, { http: { corz: 1 } })).toEqual({
      value: { http: {} },
      problems: [],
      warnings: ['http.corz is not a known key; it is ignored'],
    });
  });

  it('does not treat inherited names as known keys', () => {
    expect(read(object({}), { toString: 1 }).warnings).toEqual(['toString is not a known key; it is ignored']);
  });
});

describe('findings', () => {
  it('prefix each message with the source and share their lists', () => {
    const findings = new Findings();
    findings.within('a.json').problem('b', 'is wrong');
    findings.within('a.json').warn('c is odd');
    expect(findings).toMatchObject({ problems: ['a.json: b: is wrong'], warnings: ['a.json: c is odd'] });
  });
});

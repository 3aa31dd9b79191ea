import { describe, expect, it } from '@jest/globals';
import {
  anything,
  converted,
  either,
  Findings,
  flag,
  integer,
  listOf,
  mapOf,
  number,
  object,
  oneOf,
  required,
  string,
  type Shape,
} from './shape.js';

function read<T>(shape: Shape<T>, value: unknown) {
  const findings = new Findings();
  return { value: shape.read(value, '', findings), problems: findings.problems, warnings: findings.warnings };
}

describe('a shape', () => {
  const upperCase = converted(string(), (value) => (value === '' ? undefined : value.toUpperCase()), 'some text');

  it.each<[string, Shape<unknown>, unknown, unknown]>([
    ['text', string(), 'a', 'a'],
    ['text that matches a pattern', string({ pattern: /^a/ }), 'ab', 'ab'],
    ['a flag', flag(), false, false],
    ['a number', number(), 1.5, 1.5],
    ['a bound itself', integer({ min: 1, max: 3 }), 3, 3],
    ['one of several words', oneOf('a', 'b'), 'b', 'b'],
    ['a list', listOf(number()), [1, 2], [1, 2]],
    ['a map', mapOf(number()), { x: 1 }, { x: 1 }],
    ['the second alternative', either(string(), number()), 7, 7],
    ['a converted value', upperCase, 'a', 'A'],
    ['an object without its optional members', object({ a: string(), b: string() }), { a: 'x' }, { a: 'x' }],
    ['null as a member that was not given', object({ a: string() }), { a: null }, {}],
    [
      'a key that is special in JavaScript',
      mapOf(number()),
      JSON.parse('{"__proto__": 1}'),
      JSON.parse('{"__proto__": 1}'),
    ],
  ])('reads %s', (_what, shape, value, expected) => {
    expect(read(shape, value)).toEqual({ value: expected, problems: [], warnings: [] });
  });

  it.each<[string, Shape<unknown>, unknown, string]>([
    ['a number for a string', string(), 1, 'expected a string, got a number'],
    ['text that does not match', string({ expected: 'an a', pattern: /^a$/ }), 'b', 'expected an a, got "b"'],
    ['a string for a flag', flag(), 'true', 'expected true or false, got a string'],
    ['less than the least', integer({ min: 1 }), 0, 'expected a whole number of at least 1, got 0'],
    ['more than the most', number({ min: 0, max: 9 }), 10, 'expected a number from 0 to 9, got 10'],
    ['a fraction for a whole number', integer(), 1.5, 'expected a whole number, got 1.5'],
    ['an unknown word', oneOf('a', 'b'), 'c', 'expected "a" or "b", got "c"'],
    ['a list for an object', object({}), [], 'expected an object, got a list'],
    ['an object for a list', listOf(string()), {}, 'expected a list, got an object'],
    ['null', mapOf(string()), null, 'expected an object, got null'],
    ['too few entries', mapOf(string(), { expected: 'one or more', min: 1 }), {}, 'expected one or more, got {}'],
    [
      'a kind that no alternative accepts',
      either(string(), flag()),
      1,
      'expected a string or true or false, got a number',
    ],
    ['what a conversion refuses', upperCase, '', 'expected some text, got ""'],
    ['a missing member that is required', object({ a: required(string()) }), {}, 'a: expected a string, got nothing'],
    [
      'null for a member that is required',
      object({ a: required(string()) }),
      { a: null },
      'a: expected a string, got nothing',
    ],
  ])('rejects %s', (_what, shape, value, problem) => {
    expect(read(shape, value)).toEqual({ value: undefined, problems: [problem], warnings: [] });
  });

  it('names the path of a value inside lists, maps and objects', () => {
    const shape = object({ graphs: mapOf(listOf(object({ path: string() }))) });
    expect(read(shape, { graphs: { 'my-graph': [{}, { path: 1 }], 'a b': 5 } }).problems).toEqual([
      'graphs.my-graph[1].path: expected a string, got a number',
      'graphs["a b"]: expected a list, got a number',
    ]);
  });

  it('reports the problems inside the alternative that the author meant', () => {
    const shape = either(string(), object({ path: required(string()) }));
    expect(read(shape, {}).problems).toEqual(['path: expected a string, got nothing']);
  });

  it('warns about an unknown key and skips it', () => {
    const shape = object({ http: object({ cors: anything() }) });
    expect(read(shape, { http: { corz: 1 } })).toEqual({
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

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
  text,
  type Shape,
} from './shape.js';

function read<T>(shape: Shape<T>, value: unknown) {
  const findings = new Findings();
  return { value: shape.read(value, '', findings), problems: findings.problems, warnings: findings.warnings };
}

describe('a shape', () => {
  const upperCase = converted(text(), (value) => (value === '' ? undefined : value.toUpperCase()), 'some text');

  it.each<[string, Shape<unknown>, unknown, unknown]>([
    ['text', text(), 'a', 'a'],
    ['text that matches a pattern', text({ pattern: /^a/ }), 'ab', 'ab'],
    ['a flag', flag(), false, false],
    ['a number', number(), 1.5, 1.5],
    ['a bound itself', integer({ min: 1, max: 3 }), 3, 3],
    ['one of several words', oneOf('a', 'b'), 'b', 'b'],
    ['a list', listOf(number()), [1, 2], [1, 2]],
    ['a map', mapOf(number()), { x: 1 }, { x: 1 }],
    ['the second alternative', either(text(), number()), 7, 7],
    ['a converted value', upperCase, 'a', 'A'],
    ['an object without its optional members', object({ a: text(), b: text() }), { a: 'x' }, { a: 'x' }],
    ['null as a member that was not given', object({ a: text() }), { a: null }, {}],
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
    ['a number for text', text(), 1, 'expected text, got number'],
    ['text that does not match', text({ expected: 'an a', pattern: /^a$/ }), 'b', 'expected an a, got "b"'],
    ['text for a flag', flag(), 'true', 'expected true or false, got text'],
    ['less than the least', integer({ min: 1 }), 0, 'expected a whole number of at least 1, got 0'],
    ['more than the most', number({ min: 0, max: 9 }), 10, 'expected a number from 0 to 9, got 10'],
    ['a fraction for a whole number', integer(), 1.5, 'expected a whole number, got 1.5'],
    ['an unknown word', oneOf('a', 'b'), 'c', 'expected "a" or "b", got "c"'],
    ['a list for an object', object({}), [], 'expected an object, got a list'],
    ['an object for a list', listOf(text()), {}, 'expected a list, got an object'],
    ['null', mapOf(text()), null, 'expected an object, got null'],
    ['too few entries', mapOf(text(), { expected: 'one or more', min: 1 }), {}, 'expected one or more, got {}'],
    ['a kind that no alternative accepts', either(text(), flag()), 1, 'expected text or true or false, got number'],
    ['what a conversion refuses', upperCase, '', 'expected some text, got ""'],
    ['a missing member that is required', object({ a: required(text()) }), {}, 'a: expected text, got nothing'],
    [
      'null for a member that is required',
      object({ a: required(text()) }),
      { a: null },
      'a: expected text, got nothing',
    ],
  ])('refuses %s', (_what, shape, value, problem) => {
    expect(read(shape, value)).toEqual({ value: undefined, problems: [problem], warnings: [] });
  });

  it('names the path of a value inside lists, maps and objects', () => {
    const shape = object({ graphs: mapOf(listOf(object({ path: text() }))) });
    expect(read(shape, { graphs: { 'my-graph': [{}, { path: 1 }], 'a b': 5 } }).problems).toEqual([
      'graphs.my-graph[1].path: expected text, got number',
      'graphs["a b"]: expected a list, got number',
    ]);
  });

  it('reports the problems inside the alternative that the author meant', () => {
    const shape = either(text(), object({ path: required(text()) }));
    expect(read(shape, {}).problems).toEqual(['path: expected text, got nothing']);
  });

  it('warns about an unknown key and leaves it out', () => {
    const shape = object({ http: object({ cors: anything() }) });
    expect(read(shape, { http: { corz: 1 } })).toEqual({
      value: { http: {} },
      problems: [],
      warnings: ['http.corz is not a known key; it is ignored'],
    });
  });

  it('does not take inherited names for known keys', () => {
    expect(read(object({}), { toString: 1 }).warnings).toEqual(['toString is not a known key; it is ignored']);
  });
});

describe('findings', () => {
  it('put the source before each sentence and share their lists', () => {
    const findings = new Findings();
    findings.within('a.json').problem('b', 'is wrong');
    findings.within('a.json').warn('c is odd');
    expect(findings).toMatchObject({ problems: ['a.json: b: is wrong'], warnings: ['a.json: c is odd'] });
  });
});

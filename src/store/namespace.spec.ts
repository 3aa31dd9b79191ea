import { describe, expect, it } from '@jest/globals';
import { decodeNamespace, encodeNamespace, isItemNamespace, isKey, isNamespace, rangeBelow } from './namespace.js';

const isWithin = (namespace: string[], prefix: string[]): boolean => {
  const [at, from, to] = [encodeNamespace(namespace), ...rangeBelow(prefix)].map((text) => Buffer.from(text));
  return Buffer.compare(from, at) <= 0 && Buffer.compare(at, to) < 0;
};

describe('namespaces', () => {
  it.each([[['a']], [['a', 'b']], [['a:b', '*', ' ', '🦜']]])(
    '%j come back from the table as they were',
    (namespace) => {
      expect(decodeNamespace(encodeNamespace(namespace))).toEqual(namespace);
    },
  );

  it.each<[string[], string[], boolean]>([
    [['a'], [], true],
    [['\u{10ffff}'.repeat(255)], [], true],
    [['a'], ['a'], true],
    [['a', 'b'], ['a'], true],
    [['a', '\u{10ffff}'], ['a'], true],
    [['a', '\u0001'], ['a'], true],
    [['ab'], ['a'], false],
    [['a!'], ['a'], false],
    [['a/'], ['a'], false],
    [['b'], ['a'], false],
    [['a'], ['a', 'b'], false],
  ])('%j below %j: %s', (namespace, prefix, within) => {
    expect(isWithin(namespace, prefix)).toBe(within);
  });

  it.each([null, 'a', [1], [''], ['a.b'], ['a\0'], ['\ud83e'], ['\udd9c'], ['a'.repeat(1024)]])(
    '%j is none',
    (value) => {
      expect(isNamespace(value)).toBe(false);
    },
  );

  it('hold items when they have a label, the first of which is not LangGraph’s', () => {
    expect(isItemNamespace([])).toBe(false);
    expect(isItemNamespace(['langgraph', 'a'])).toBe(false);
    expect(isItemNamespace(['a', 'langgraph'])).toBe(true);
    expect(isNamespace(['langgraph', 'a'])).toBe(true);
  });
});

it.each([
  ['', true],
  ['a.b', true],
  ['🦜'.repeat(256), true],
  ['🦜'.repeat(257), false],
  ['a\0', false],
  ['\ud83e', false],
  [1, false],
])('%j is a key: %s', (key, is) => {
  expect(isKey(key)).toBe(is);
});

import { describe, expect, it } from '@jest/globals';
import vm from 'node:vm';
import { describeError, errorStack, errorText, readField, toInspectable } from './foreign-error.js';

const fail = (): never => {
  throw new Error('not to be read');
};

class CoffeeError extends Error {
  override name = 'CoffeeError';
}

const hostileProxy = new Proxy(new Error('hidden'), { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail });
const withGetters = Object.defineProperties(new Error('x'), {
  // First: V8 composes the stack of the name and the message when it is replaced.
  stack: { get: fail },
  name: { get: fail },
  message: { get: fail },
});
const circular: Record<string, unknown> = {};
circular.self = circular;

describe('describeError', () => {
  // Behind functions: the test runner itself cannot show some of them.
  it.each<[string, () => unknown, string, string]>([
    ['an error', () => new Error('m'), 'Error', 'm'],
    ['an error of a class', () => new CoffeeError('out of beans'), 'CoffeeError', 'out of beans'],
    ['a frozen error', () => Object.freeze(new CoffeeError('cold')), 'CoffeeError', 'cold'],
    ['an error of another realm', () => vm.runInNewContext(`new TypeError("far")`) as unknown, 'TypeError', 'far'],
    ['an error without a name', () => Object.assign(new RangeError('m'), { name: undefined }), 'RangeError', 'm'],
    ['an error with an empty name', () => Object.assign(new RangeError('m'), { name: '' }), 'RangeError', 'm'],
    ['an error whose name is no string', () => Object.assign(new Error('m'), { name: { a: 1 } }), 'Error', 'm'],
    [
      'an error whose message is no string',
      () => Object.assign(new Error(), { message: { a: 1 } }),
      'Error',
      '{"a":1}',
    ],
    ['an error whose message is a number', () => Object.assign(new Error(), { message: 7 }), 'Error', '7'],
    ['an error whose fields throw', () => withGetters, 'Error', ''],
    ['a proxy that throws', () => hostileProxy, 'Error', 'The thrown value cannot be converted to a string.'],
    ['a string', () => 'boom', 'Error', 'boom'],
    ['an empty string', () => '', 'Error', ''],
    ['null', () => null, 'Error', 'null'],
    ['undefined', () => undefined, 'Error', 'undefined'],
    ['a number', () => 7, 'Error', '7'],
    ['a bigint', () => 7n, 'Error', '7'],
    ['a symbol', () => Symbol('s'), 'Error', 'Symbol(s)'],
    ['a plain object', () => ({ code: 7 }), 'Error', '{"code":7}'],
    ['an object that looks like an error', () => ({ name: 'N', message: 'm' }), 'N', 'm'],
    ['an object without a prototype', () => Object.create(null) as unknown, 'Error', ''],
    ['a circle', () => circular, 'Error', 'The thrown value cannot be converted to a string.'],
    ['characters that PostgreSQL refuses', () => new Error('a\u0000b\ud800'), 'Error', 'a\ufffdb\ufffd'],
  ])('of %s is two strings', (_, thrown, error, message) => {
    expect(describeError(thrown())).toEqual({ error, message });
  });

  it('bounds the message', () => {
    expect(describeError(new Error('x'.repeat(200_000))).message).toHaveLength(100_000);
  });
});

describe('a thrown value', () => {
  it('is read field by field', () => {
    expect(readField({ a: 1 }, 'a')).toBe(1);
    expect(readField(withGetters, 'name')).toBeUndefined();
    expect(readField(null, 'name')).toBeUndefined();
  });

  it('is one string in states and logs', () => {
    expect(errorText(new CoffeeError('out of beans'))).toBe('CoffeeError: out of beans');
    expect(errorText({})).toBe('Error');
    expect(errorStack(withGetters)).toBe('Error');
    expect(errorStack(new Error('m'))).toContain('foreign-error.spec');
  });

  it('is logged with its causes, even if they are circular', () => {
    const error = new Error('outer', { cause: new Error('inner') });
    expect(errorStack(error)).toMatch(/^Error: outer\n[\s\S]*\nCaused by: Error: inner\n/);
    (error.cause as Error).cause = error;
    expect(errorStack(error).match(/Caused by/g)).toHaveLength(5);
  });

  it('is returned unchanged, unless instanceof throws on it', () => {
    const error = new CoffeeError('m');
    expect(toInspectable(error)).toBe(error);
    expect(toInspectable('text')).toBe('text');
    expect(describeError(toInspectable(hostileProxy))).toEqual(describeError(hostileProxy));
    expect(toInspectable(hostileProxy) instanceof Error).toBe(true);
  });
});

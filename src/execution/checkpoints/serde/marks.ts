import type { JsonObject } from '../../../common/index.js';

// The format of a checkpoint: JSON, with marked objects for values that JSON cannot represent. The marks are those of
// LangGraph's serializer. See docs/decisions/0008-checkpoint-serde.md.

/** The key of a mark, an object that represents another value: 1 for LangChain objects, 2 for JavaScript values. */
export const MARK = 'lc';

/** LangChain wraps user data inside its own objects in an object with this single key. */
export const LANGCHAIN_ESCAPE = '__lc_escaped__';

export const UNDEFINED = { lc: 2, type: 'undefined' } as const;

/** The mark of an instance of a JavaScript class. */
export const constructorMark = (name: string, args: unknown[], method: string | null = null, kwargs = {}): object => ({
  lc: 2,
  type: 'constructor',
  id: [name],
  method,
  args,
  kwargs,
});

/** True for user data that a reader would mistake for a mark. */
export const looksMarked = (object: object): boolean => {
  const { lc } = object as { lc?: unknown };
  return (lc === 1 || lc === 2) && Object.hasOwn(object, MARK);
};

/** Keys of the format, and keys that look like escaped ones. */
const ESCAPABLE = /^~*(?:lc|__lc_escaped__)$/;
const ESCAPED = /^~+(?:lc|__lc_escaped__)$/;

/** Matches JSON that may contain a mark, also one hidden by a unicode escape. */
export const MAY_BE_MARKED = /"~*(?:lc|__lc_escaped__)"|\\u00[5-7]/;

export const isEscapable = (key: string): boolean => ESCAPABLE.test(key);

export const isEscaped = (key: string): boolean => ESCAPED.test(key);

/** Escapes a key of user data, so that no reader mistakes it for one of the format. */
export const escapeKey = (key: string): string => `~${key}`;

export const unescapeKey = (key: string): string => key.slice(1);

/** Sets an own property, even for `__proto__`, where an assignment would set the prototype. */
export function setOwn(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

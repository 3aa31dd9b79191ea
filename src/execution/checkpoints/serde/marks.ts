import type { JsonObject } from '../../../common/index.js';

// The format of a checkpoint: JSON, with marked objects for what JSON has no form for. The marks are those of LangGraph's
// serializer. See docs/decisions/0008-checkpoint-serde.md.

/** An object that stands for something else: 1 for objects of LangChain, 2 for those of JavaScript. */
export const MARK = 'lc';

/** The only key of an object with which LangChain wraps user data inside its own objects. */
export const LANGCHAIN_ESCAPE = '__lc_escaped__';

export const UNDEFINED = { lc: 2, type: 'undefined' } as const;

/** An instance of a class of JavaScript. */
export const constructorMark = (name: string, args: unknown[], method: string | null = null, kwargs = {}): object => ({
  lc: 2,
  type: 'constructor',
  id: [name],
  method,
  args,
  kwargs,
});

/** User data that a reader would take for a mark. */
export const looksMarked = (object: object): boolean => {
  const { lc } = object as { lc?: unknown };
  return (lc === 1 || lc === 2) && Object.hasOwn(object, MARK);
};

/** Keys of the format, and keys that look like escaped ones. */
const ESCAPABLE = /^~*(?:lc|__lc_escaped__)$/;
const ESCAPED = /^~+(?:lc|__lc_escaped__)$/;

/** In JSON text: what a reader has to look at, also where an escape hides it. */
export const MAY_BE_MARKED = /"~*(?:lc|__lc_escaped__)"|\\u00[5-7]/;

export const isEscapable = (key: string): boolean => ESCAPABLE.test(key);

export const isEscaped = (key: string): boolean => ESCAPED.test(key);

/** A key of user data that no reader takes for one of the format. */
export const escapeKey = (key: string): string => `~${key}`;

export const unescapeKey = (key: string): string => key.slice(1);

/** Sets a property, also one that is called `__proto__`, which an assignment takes for the prototype. */
export function setOwn(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

import { DeltaSnapshot } from '@langchain/langgraph-checkpoint';
import { isObject, type JsonObject } from '../../../common/index.js';
import { langchainClass, newLangChainObject } from './langchain-classes.js';
import { isEscaped, LANGCHAIN_ESCAPE, setOwn, unescapeKey } from './marks.js';

type Marked = JsonObject & { type?: unknown; id?: unknown; method?: unknown; args?: unknown; kwargs?: unknown };

/**
 * Restores the value of a checkpoint from parsed JSON, in place. Only marks that {@link encode} writes are restored, and
 * class names are looked up only in fixed lists. Everything else is data and never throws.
 */
export function revive(value: unknown): unknown {
  return reviveIn(value, false);
}

/** `isOfLangChain`: inside the fields of a LangChain object, where LangChain escapes user data in its own way. */
function reviveIn(value: unknown, isOfLangChain: boolean): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      value[at] = reviveIn(value[at], isOfLangChain);
    }
    return value;
  }
  const object = value as JsonObject;
  const keys = Object.keys(object);
  if (isOfLangChain && keys.length === 1 && keys[0] === LANGCHAIN_ESCAPE) {
    return object[LANGCHAIN_ESCAPE];
  }
  const areOfLangChain = isOfLangChain || isLangChainMark(object);
  let isUserData = false;
  for (const key of keys) {
    const part = object[key];
    const revived = reviveIn(part, areOfLangChain);
    if (revived !== part) {
      setOwn(object, key, revived);
    }
    isUserData ||= isEscaped(key);
  }
  return isUserData ? withoutEscapes(object) : fromMark(object);
}

const isLangChainMark = ({ lc, type, id }: Marked): boolean =>
  lc === 1 && type === 'constructor' && Array.isArray(id) && langchainClass(id) !== undefined;

function withoutEscapes(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, part]) => [isEscaped(key) ? unescapeKey(key) : key, part]),
  );
}

function fromMark(object: Marked): unknown {
  const { lc, type } = object;
  if (lc === 1 && type === 'constructor') {
    return fromLangChainMark(object);
  }
  if (lc !== 2) {
    return object;
  }
  switch (type) {
    case 'undefined':
      return undefined;
    case 'delta_snapshot':
      return Object.hasOwn(object, 'value') ? new DeltaSnapshot(object.value) : object;
    case 'constructor':
      return fromConstructorMark(object) ?? object;
    default:
      return object;
  }
}

function fromLangChainMark(object: Marked): unknown {
  const { id, kwargs } = object;
  const Class = Array.isArray(id) ? langchainClass(id) : undefined;
  if (!Class || !isObject(kwargs)) {
    return object;
  }
  try {
    return newLangChainObject(Class, kwargs);
  } catch {
    return object;
  }
}

function fromConstructorMark({ id, method, args, kwargs }: Marked): unknown {
  const isNamed = Array.isArray(id) && id.length === 1;
  const isCalled = method === undefined || method === null;
  if (!isNamed || !Array.isArray(args) || !(isCalled || (method === 'from' && id[0] === 'Uint8Array'))) {
    return undefined;
  }
  const [first, second] = args as unknown[];
  switch (`${String(id[0])}/${args.length}`) {
    case 'Set/1':
      return Array.isArray(first) ? new Set(first) : undefined;
    case 'Map/1':
      return isEntries(first) ? new Map(first) : undefined;
    case 'RegExp/2':
      return toRegExp(first, second);
    case 'Error/1':
      return typeof first === 'string' ? toError(first, kwargs) : undefined;
    case 'BigInt/1':
      return typeof first === 'string' && /^-?\d+$/.test(first) ? BigInt(first) : undefined;
    case 'Uint8Array/1':
      return isBytes(first) ? new Uint8Array(first) : undefined;
  }
}

const isEntries = (list: unknown): list is [unknown, unknown][] =>
  Array.isArray(list) && list.every((entry) => Array.isArray(entry) && entry.length === 2);

const isBytes = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);

function toRegExp(source: unknown, flags: unknown): RegExp | undefined {
  try {
    return typeof source === 'string' && typeof flags === 'string' ? new RegExp(source, flags) : undefined;
  } catch {
    return undefined;
  }
}

function toError(message: string, kwargs: unknown): Error {
  const error = new Error(message);
  if (isObject(kwargs) && typeof kwargs.name === 'string') {
    Object.defineProperty(error, 'name', { value: kwargs.name, configurable: true, writable: true });
  }
  return error;
}

import {
  describeError,
  isLangChainObject,
  type JsonObject,
  langchainFields,
  readField,
} from '../../../common/index.js';
import { langchainIdOf } from './langchain-classes.js';
import {
  constructorMark,
  escapeKey,
  isEscapable,
  looksMarked,
  MARK,
  LANGCHAIN_ESCAPE,
  setOwn,
  UNDEFINED,
} from './marks.js';

/** Twice the limit of request bodies. Everything written must be readable by code that recurses for each level. */
const MAX_LEVELS = 2_000;

/**
 * True when `JSON.stringify` already writes the stored form: the value contains no undefined, no bigint, no class instance,
 * no circular reference and no key of the format.
 */
export function isPlain(value: unknown, ancestors: unknown[] = []): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
  }
  const isArray = Array.isArray(value);
  if (
    Object.getPrototypeOf(value) !== (isArray ? Array.prototype : Object.prototype) ||
    (value as { toJSON?: unknown }).toJSON !== undefined ||
    ancestors.length > MAX_LEVELS ||
    ancestors.includes(value)
  ) {
    return false;
  }
  ancestors.push(value);
  if (isArray) {
    // Unlike array methods, this loop visits holes, which must be kept.
    for (const part of value as unknown[]) {
      if (!isPlain(part, ancestors)) {
        return false;
      }
    }
  } else {
    for (const key of Object.keys(value)) {
      if (isEscapable(key) || !isPlain((value as JsonObject)[key], ancestors)) {
        return false;
      }
    }
  }
  ancestors.pop();
  return true;
}

/**
 * Converts a value to what JSON can represent. Throws errors of the value's own code, and for a circular reference.
 * Functions and symbols are left to `JSON.stringify`, which omits them.
 */
export function encode(value: unknown, key = '', ancestors: object[] = []): unknown {
  if (typeof value === 'bigint') {
    return constructorMark('BigInt', [String(value)]);
  }
  if (value === undefined) {
    return UNDEFINED;
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (ancestors.includes(value)) {
    throw new TypeError('The value contains itself.');
  }
  if (ancestors.length > MAX_LEVELS) {
    throw new RangeError('The value has too many levels.');
  }
  ancestors.push(value);
  const encoded = encodeObject(value, key, ancestors);
  ancestors.pop();
  return encoded;
}

function encodeObject(object: object, key: string, ancestors: object[]): unknown {
  // Some errors have a toJSON, but responses show all errors by name and message.
  if (object instanceof Error) {
    return encodeError(object);
  }
  if (isLangChainObject(object)) {
    const id = langchainIdOf(object);
    if (id) {
      return { lc: 1, type: 'constructor', id, kwargs: encodeParts(langchainFields(object), ancestors) };
    }
  }
  const { toJSON, lg_name } = object as { toJSON?: unknown; lg_name?: unknown };
  // LangGraph identifies its own classes by this name; a plain object with this key is data.
  if (lg_name === 'Send' && !isRecord(object)) {
    const { node, args, timeout } = object as JsonObject;
    return encodeParts({ node, args, ...(timeout !== undefined && { timeout }) }, ancestors);
  }
  if (lg_name === 'DeltaSnapshot' && !isRecord(object)) {
    return { lc: 2, type: 'delta_snapshot', value: encode((object as JsonObject).value, 'value', ancestors) };
  }
  if (typeof toJSON === 'function') {
    const replacement: unknown = toJSON.call(object, key);
    return typeof replacement === 'object' && replacement !== null
      ? encodeInstance(replacement, ancestors)
      : encode(replacement);
  }
  return encodeInstance(object, ancestors);
}

function encodeInstance(object: object, ancestors: object[]): unknown {
  const list = (parts: Iterable<unknown>): unknown[] =>
    Array.from(parts, (part, at) => encode(part, `${at}`, ancestors));
  if (Array.isArray(object)) {
    return list(object);
  }
  if (object instanceof Set) {
    return constructorMark('Set', [list(object)]);
  }
  if (object instanceof Map) {
    return constructorMark('Map', [Array.from(object, (entry) => list(entry))]);
  }
  if (object instanceof RegExp) {
    return constructorMark('RegExp', [object.source, object.flags]);
  }
  if (object instanceof Uint8Array) {
    return constructorMark('Uint8Array', [Array.from(object)], 'from');
  }
  if (object instanceof Error) {
    return encodeError(object);
  }
  return isBoxed(object) ? encode(object.valueOf()) : encodeParts(object as JsonObject, ancestors);
}

/** Encodes the fields of an object, and escapes user data that could be mistaken for a mark. */
function encodeParts(object: JsonObject, ancestors: object[]): JsonObject {
  const encoded: JsonObject = {};
  const keys = Object.keys(object);
  const isMarked = looksMarked(object);
  for (const key of keys) {
    const isOfFormat =
      isEscapable(key) && (key === MARK ? isMarked : key === LANGCHAIN_ESCAPE ? keys.length === 1 : true);
    setOwn(encoded, isOfFormat ? escapeKey(key) : key, encode(object[key], key, ancestors));
  }
  return encoded;
}

/** The class of an error is not stored, but its name is, because responses show it. */
function encodeError(error: Error): object {
  const described = describeError(error);
  const message = readField(error, 'message');
  return constructorMark(
    'Error',
    [typeof message === 'string' ? message : described.message],
    null,
    described.error === 'Error' ? {} : { name: described.error },
  );
}

const isRecord = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
};

const isBoxed = (object: object): boolean =>
  object instanceof String || object instanceof Number || object instanceof Boolean || object instanceof BigInt;

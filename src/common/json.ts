import { describeError } from './errors/foreign-error.js';
import { jsonbText } from './json-text.js';
import { isLangChainObject, langchainFields } from './langchain-fields.js';
import { explainUnserializable } from './unserializable.js';

export { jsonbText };

/** A JSON object whose keys the server does not know beforehand (metadata, context, ...). */
export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Message {
  getType?(): string;
  toDict(): { type: string; data: JsonObject };
}

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'toDict' in value && typeof value.toDict === 'function';

/**
 * JSON as clients expect it: LangChain messages flattened to their fields plus `type`, never in constructor form
 * (behaviours 1.2). The original value is read from the holder because `toJSON` has already run on `value`. Throws
 * {@link UnserializableValueError}, which names the place in the value.
 */
export function toWireJson(value: unknown): string {
  try {
    return JSON.stringify(value, flattenMessages) ?? 'null';
  } catch (error) {
    throw explainUnserializable(value, error);
  }
}

function flattenMessages(this: unknown, key: string, value: unknown): unknown {
  // Nearly every value visited is a scalar: leave before any lookup.
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? String(value) : value;
  }
  const original = (this as JsonObject)[key];
  if (isMessage(original)) {
    return flatten(original);
  }
  if (original instanceof Uint8Array) {
    // All bytes as Node writes its buffers: a database gives back buffers.
    return { type: 'Buffer', data: Array.from(original) };
  }
  return original instanceof Error ? describeError(original) : value;
}

function flatten(message: Message): JsonObject {
  if (isLangChainObject(message) && message.getType) {
    return { ...langchainFields(message), type: message.getType() };
  }
  const { type, data } = message.toDict();
  return { ...data, type };
}

/** The same as {@link toWireJson}, as a value. */
export const toWire = (value: unknown): unknown => JSON.parse(toWireJson(value)) as unknown;

/** True for JSON that PostgreSQL can hold as it is. */
export const fitsJsonb = (json: string): boolean => jsonbText(json) === json;

/** A value as text for a `jsonb` parameter. */
export const toJsonb = (value: unknown): string => jsonbText(JSON.stringify(value ?? null));

import { describeError } from './errors/foreign-error.js';
import { jsonbText } from './json-text.js';
import { isLangChainObject, langchainFields } from './langchain-fields.js';
import { explainUnserializable } from './unserializable.js';

export { jsonbText };

/** A JSON object with arbitrary keys (metadata, context, ...). */
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
 * Serializes a value as clients expect it: LangChain messages are flattened to their fields plus `type`, never in constructor
 * form (behaviours 1.2). The replacer reads the original value from its holder, because `toJSON` has already run on `value`.
 * Throws {@link UnserializableValueError} with the path of the invalid value.
 */
export function toWireJson(value: unknown): string {
  try {
    return JSON.stringify(value, flattenMessages) ?? 'null';
  } catch (error) {
    throw explainUnserializable(value, error);
  }
}

function flattenMessages(this: unknown, key: string, value: unknown): unknown {
  // Nearly all values are scalars: return before any lookup.
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? String(value) : value;
  }
  const original = (this as JsonObject)[key];
  if (isMessage(original)) {
    return flatten(original);
  }
  if (original instanceof Uint8Array) {
    // Any byte array in the format of Node's Buffer, because the database returns buffers.
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

/** {@link toWireJson}, parsed. */
export const toWire = (value: unknown): unknown => JSON.parse(toWireJson(value)) as unknown;

/** True for JSON that PostgreSQL can store unchanged. */
export const fitsJsonb = (json: string): boolean => jsonbText(json) === json;

/** Serializes a value for a `jsonb` parameter. */
export const toJsonb = (value: unknown): string => jsonbText(JSON.stringify(value ?? null));

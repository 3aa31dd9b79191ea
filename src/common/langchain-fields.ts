import type { JsonObject } from './json.js';

/** The part of LangChain's `Serializable` that controls serialization. */
export interface LangChainObject {
  lc_serializable: boolean;
  lc_namespace: string[];
  lc_kwargs: JsonObject;
  toJSON(): { kwargs?: JsonObject };
}

/** True for a LangChain object that can be reconstructed from its fields. */
export const isLangChainObject = (value: object): value is LangChainObject => {
  const { lc_serializable, lc_kwargs, lc_namespace, toJSON } = value as Partial<LangChainObject>;
  return (
    lc_serializable === true &&
    typeof lc_kwargs === 'object' &&
    Array.isArray(lc_namespace) &&
    typeof toJSON === 'function'
  );
};

/**
 * The constructor fields of a LangChain object under their serialized names: `toJSON().kwargs` with the original values.
 * LangChain's own copy of them converts dates, sets and maps to `{}` and wraps objects with a key `lc`.
 */
export function langchainFields(object: LangChainObject): JsonObject {
  if (!hasStandardToJSON(object)) {
    return object.toJSON().kwargs ?? {};
  }
  const fields: JsonObject = {};
  const aliases: Record<string, string> = {};
  for (const name of Object.keys(object.lc_kwargs)) {
    fields[name] = name in object ? (object as unknown as JsonObject)[name] : object.lc_kwargs[name];
  }
  for (let level: unknown = Object.getPrototypeOf(object); level; level = Object.getPrototypeOf(level)) {
    Object.assign(aliases, Reflect.get(level, 'lc_aliases', object));
    Object.assign(fields, Reflect.get(level, 'lc_attributes', object));
  }
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [aliases[name] || snakeCase(name), value]));
}

/** False for a class that overrides `toJSON`. LangChain's class has both `toJSON` and `toJSONNotImplemented`. */
function hasStandardToJSON(object: object): boolean {
  let owner: unknown = object;
  while (owner && !Object.hasOwn(owner, 'toJSON')) {
    owner = Object.getPrototypeOf(owner);
  }
  return Boolean(owner) && Object.hasOwn(owner as object, 'toJSONNotImplemented');
}

/** LangChain's conversion of names. */
const snakeCase = (name: string): string =>
  name
    .replace(/([A-Z]+)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[-_\s]+/g, '_')
    .toLowerCase();

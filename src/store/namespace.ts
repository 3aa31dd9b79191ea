/** The namespace of an item: a list of labels. */
export type Namespace = readonly string[];

/** At most so many bytes of a column fit into an index. */
const MAX_BYTES = 1_024;

/** Sorts behind every valid namespace in bytewise order. */
const BEHIND_ALL = '\u{10ffff}'.repeat(MAX_BYTES / 4);

/** LangGraph reserves this first label. */
const RESERVED_ROOT = 'langgraph';

/**
 * The namespace as the table stores it: each label is followed by a dot, so that a prefix of labels is exactly a range.
 */
export const encodeNamespace = (labels: Namespace): string => labels.map((label) => `${label}.`).join('');

export const decodeNamespace = (encoded: string): string[] => encoded.slice(0, -1).split('.');

/** The range of encoded namespaces that begin with these labels: `from` is inclusive, `to` exclusive. */
export function rangeBelow(prefix: Namespace): [from: string, to: string] {
  const from = encodeNamespace(prefix);
  // `/` is the character after the dot.
  return [from, from === '' ? BEHIND_ALL : `${from.slice(0, -1)}/`];
}

/** PostgreSQL refuses NUL, and UTF-8 cannot encode unpaired surrogates. */
const isStorable = (text: string): boolean =>
  !/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

const isLabel = (label: unknown): boolean =>
  typeof label === 'string' && label !== '' && !label.includes('.') && isStorable(label);

/** Whether this is a valid namespace or prefix: a list of labels, possibly empty. */
export const isNamespace = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isLabel) && Buffer.byteLength(encodeNamespace(value as string[])) <= MAX_BYTES;

/** Whether items can be put into this namespace. */
export const isItemNamespace = (value: unknown): value is string[] =>
  isNamespace(value) && value.length > 0 && value[0] !== RESERVED_ROOT;

/** Whether this is a valid key: any string that is not too long, including the empty one. */
export const isKey = (value: unknown): value is string =>
  typeof value === 'string' && isStorable(value) && Buffer.byteLength(value) <= MAX_BYTES;

export const NAMESPACE_MESSAGE = `must be a list of labels: non-empty strings without dots, in total at most ${MAX_BYTES} bytes`;
export const ITEM_NAMESPACE_MESSAGE = `${NAMESPACE_MESSAGE}; at least one label, and the first one must not be "${RESERVED_ROOT}"`;
export const KEY_MESSAGE = `must be a string of at most ${MAX_BYTES} bytes, without NUL or unpaired surrogates`;

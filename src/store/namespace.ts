/** Where an item is: a list of labels. */
export type Namespace = readonly string[];

/** Bytes that the columns of an index have room for. */
const MOST_BYTES = 1_024;

/** Behind every namespace that is short enough, in bytewise order. */
const BEHIND_ALL = '\u{10ffff}'.repeat(MOST_BYTES / 4);

/** LangGraph keeps this root for itself. */
const RESERVED_ROOT = 'langgraph';

/** As the table has it: a dot behind each label, so that a prefix is a range and nothing else is in it. */
export const encodeNamespace = (labels: Namespace): string => labels.map((label) => `${label}.`).join('');

export const decodeNamespace = (encoded: string): string[] => encoded.slice(0, -1).split('.');

/** The encoded namespaces that begin with these labels: from the first one up to, but without, the other. */
export function rangeBelow(prefix: Namespace): [from: string, to: string] {
  const from = encodeNamespace(prefix);
  // `/` comes next after the dot.
  return [from, from === '' ? BEHIND_ALL : `${from.slice(0, -1)}/`];
}

/** PostgreSQL refuses NUL, and UTF-8 has no half characters. */
const isStorable = (text: string): boolean =>
  !/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

const isLabel = (label: unknown): boolean =>
  typeof label === 'string' && label !== '' && !label.includes('.') && isStorable(label);

/** A list of labels, possibly empty, that an item could be below. */
export const isNamespace = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isLabel) && Buffer.byteLength(encodeNamespace(value as string[])) <= MOST_BYTES;

/** One in which an item can be put. */
export const isItemNamespace = (value: unknown): value is string[] =>
  isNamespace(value) && value.length > 0 && value[0] !== RESERVED_ROOT;

/** Any text that is not too long, also an empty one. */
export const isKey = (value: unknown): value is string =>
  typeof value === 'string' && isStorable(value) && Buffer.byteLength(value) <= MOST_BYTES;

export const NAMESPACE_MESSAGE = `must be a list of labels: texts that are not empty and have no dot in them, all together at most ${MOST_BYTES} bytes`;
export const ITEM_NAMESPACE_MESSAGE = `${NAMESPACE_MESSAGE}; at least one, the first one not "${RESERVED_ROOT}"`;
export const KEY_MESSAGE = `must be a text of at most ${MOST_BYTES} bytes, without NUL or half characters`;

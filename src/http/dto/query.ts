import 'reflect-metadata';

type Reader = (value: unknown) => unknown;

const READERS = Symbol('query-readers');

const TRUE = new Set(['true', '1', 'yes']);
const FALSE = new Set(['false', '0', 'no']);

/** `true/false/1/0/yes/no` in any case (contract R7). Any other value is returned unchanged, so that validation rejects it. */
export function readFlag(value: unknown): unknown {
  const word = String(value).toLowerCase();
  return TRUE.has(word) ? true : FALSE.has(word) ? false : value;
}

/** Repeated keys, one JSON array, or a comma-separated string (contract R7). */
export function readList(value: unknown): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.flatMap((item) => splitList(String(item))).filter((item) => item !== '');
}

/** Not `String(item)`: an object may have a `toString` that is not a function. */
const toItem = (item: unknown): string => (typeof item === 'string' ? item : JSON.stringify(item));

function splitList(source: string): string[] {
  if (source.startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(source);
      return Array.isArray(parsed) ? parsed.map(toItem) : [source];
    } catch {
      return [source];
    }
  }
  return source.split(',').map((item) => item.trim());
}

/** Repeated keys or one JSON array. Items may contain commas, and may be empty. */
const readStrings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value])
    .map(String)
    .flatMap((item) => (item.startsWith('[') ? splitList(item) : [item]));

/** Labels joined by dots, repeated, or one JSON array. A label is never empty, so an empty string contains no label. */
const readDotted = (value: unknown): string[] =>
  readStrings(value).flatMap((item) => (item === '' ? [] : item.split('.')));

const readString: Reader = (value) => value;

/** Readers for which an empty string is a value. */
const TAKING_EMPTY = new Set<Reader>([readStrings, readString]);

const readNumber = (value: unknown): unknown => (Number.isNaN(Number(value)) ? value : Number(value));

/** 1 and 0 are read as numbers. */
const readFlagOrNumber = (value: unknown): unknown =>
  /^[-+.\d]/.test(String(value)) ? readNumber(value) : readFlag(value);

/** A Map, because callers may send any parameter name, including `__proto__` and `toString`. */
const readersOf = (target: object): Map<string, Reader> =>
  (Reflect.getMetadata(READERS, target) as Map<string, Reader> | undefined) ?? new Map<string, Reader>();

const reader =
  (read: Reader): PropertyDecorator =>
  (target, property) => {
    Reflect.defineMetadata(READERS, new Map(readersOf(target)).set(String(property), read), target);
  };

/** The query parameter is a list, in any of the three formats that clients use. */
export const FromQueryList = (): PropertyDecorator => reader(readList);
/** The query parameter is a list of strings, which may be empty: repeated keys, or one JSON array. */
export const FromQueryStrings = (): PropertyDecorator => reader(readStrings);
/** The query parameter is a list of labels, joined by dots or repeated. */
export const FromQueryDotted = (): PropertyDecorator => reader(readDotted);
/** The query parameter is a string, which may be empty. */
export const FromQueryString = (): PropertyDecorator => reader(readString);
/** The query parameter is a boolean. */
export const FromQueryFlag = (): PropertyDecorator => reader(readFlag);
/** The query parameter is a boolean (`true/false/yes/no`) or a number. */
export const FromQueryFlagOrNumber = (): PropertyDecorator => reader(readFlagOrNumber);
/** The query parameter is a number. */
export const FromQueryNumber = (): PropertyDecorator => reader(readNumber);

/**
 * Converts query and path parameters to the types that their DTO expects. An empty string counts as absent (contract R7),
 * except for string parameters that may be empty.
 */
export function readQuery(type: new () => object, query: Record<string, unknown>): Record<string, unknown> {
  const readers = readersOf(type.prototype as object);
  const sent = Object.entries(query).flatMap(([key, value]): [string, unknown][] => {
    const read = readers.get(key);
    const isAbsent = value === undefined || (value === '' && !(read && TAKING_EMPTY.has(read)));
    return isAbsent ? [] : [[key, read ? read(value) : value]];
  });
  return Object.fromEntries(sent);
}

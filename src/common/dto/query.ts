import 'reflect-metadata';

type Reader = (value: unknown) => unknown;

const READERS = Symbol('query-readers');

const TRUE = new Set(['true', '1', 'yes']);
const FALSE = new Set(['false', '0', 'no']);

/** `true/false/1/0/yes/no` in any case (contract R7); anything else is left for the validator to refuse. */
export function readFlag(value: unknown): unknown {
  const text = String(value).toLowerCase();
  return TRUE.has(text) ? true : FALSE.has(text) ? false : value;
}

/** Repeated keys, one JSON array text, or comma-separated text (contract R7). */
export function readList(value: unknown): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.flatMap((item) => splitList(String(item))).filter((item) => item !== '');
}

/** An object may have a `toString` of its own, which is no function. */
const textOf = (item: unknown): string => (typeof item === 'string' ? item : JSON.stringify(item));

function splitList(text: string): string[] {
  if (text.startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(text);
      return Array.isArray(parsed) ? parsed.map(textOf) : [text];
    } catch {
      return [text];
    }
  }
  return text.split(',').map((item) => item.trim());
}

/** The same without commas, which texts may contain; an empty text is one of them. */
const readTexts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value])
    .map(String)
    .flatMap((text) => (text.startsWith('[') ? splitList(text) : [text]));

/** Labels joined by dots, repeated, or one JSON array text. No label is empty, so an empty text is no label at all. */
const readDotted = (value: unknown): string[] =>
  readTexts(value).flatMap((text) => (text === '' ? [] : text.split('.')));

const readText: Reader = (value) => value;

/** Readers for which an empty text is a value. */
const TAKING_EMPTY = new Set<Reader>([readTexts, readText]);

const readNumber = (value: unknown): unknown => (Number.isNaN(Number(value)) ? value : Number(value));

/** Where both have a meaning, 1 and 0 are numbers. */
const readFlagOrNumber = (value: unknown): unknown =>
  /^[-+.\d]/.test(String(value)) ? readNumber(value) : readFlag(value);

/** Callers name parameters as they like: `__proto__` and `toString`, too. */
const readersOf = (target: object): Map<string, Reader> =>
  (Reflect.getMetadata(READERS, target) as Map<string, Reader> | undefined) ?? new Map<string, Reader>();

const reader =
  (read: Reader): PropertyDecorator =>
  (target, property) => {
    Reflect.defineMetadata(READERS, new Map(readersOf(target)).set(String(property), read), target);
  };

/** The query parameter is a list, in any of the three spellings clients use. */
export const FromQueryList = (): PropertyDecorator => reader(readList);
/** The query parameter is a list of texts, one of which may be empty: repeated keys, or one JSON array text. */
export const FromQueryTexts = (): PropertyDecorator => reader(readTexts);
/** The query parameter is a list of labels, joined by dots or repeated. */
export const FromQueryDotted = (): PropertyDecorator => reader(readDotted);
/** The query parameter is a text, which may be empty. */
export const FromQueryText = (): PropertyDecorator => reader(readText);
/** The query parameter is a boolean. */
export const FromQueryFlag = (): PropertyDecorator => reader(readFlag);
/** The query parameter is a boolean, in words, or a number. */
export const FromQueryFlagOrNumber = (): PropertyDecorator => reader(readFlagOrNumber);
/** The query parameter is a number. */
export const FromQueryNumber = (): PropertyDecorator => reader(readNumber);

/** Query and path texts as the values their DTO expects. An empty text means absent (contract R7), unless it is one. */
export function readQuery(type: new () => object, query: Record<string, unknown>): Record<string, unknown> {
  const readers = readersOf(type.prototype as object);
  const sent = Object.entries(query).flatMap(([key, value]): [string, unknown][] => {
    const read = readers.get(key);
    const isAbsent = value === undefined || (value === '' && !(read && TAKING_EMPTY.has(read)));
    return isAbsent ? [] : [[key, read ? read(value) : value]];
  });
  return Object.fromEntries(sent);
}

import type { Kind, Place } from './places.js';
import { respell, type Spelling } from './spellings.js';

/** Raw text in place of JSON, which may be invalid: numbers that are too large, duplicate keys. */
export class Raw {
  constructor(readonly text: string) {}
}

/** A placeholder for the id of an existing resource, which is known only when the request is sent. */
export class Ref {
  constructor(
    readonly kind: Kind,
    /** Distance from the place of the request; mostly 0. */
    readonly away: number,
    readonly spelling: Spelling = 'as given',
  ) {}
}

/** A value of a generated request. */
export type Value = unknown;

/** The place at this distance. */
export type PlaceAt = (away: number) => Place;

const idOf = ({ kind, away, spelling }: Ref, placeAt: PlaceAt): string => respell(placeAt(away)[kind], spelling);

/** The JSON of a value with its references resolved. */
export function write(value: Value, placeAt: PlaceAt): string {
  if (value instanceof Raw) {
    return value.text;
  }
  if (value instanceof Ref) {
    return JSON.stringify(idOf(value, placeAt));
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, placeAt)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item, placeAt)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** The string of a value in a URL or a header. */
export function writeText(value: Value, placeAt: PlaceAt): string {
  const given = value instanceof Ref ? idOf(value, placeAt) : value;
  return typeof given === 'string' ? given : write(given, placeAt);
}

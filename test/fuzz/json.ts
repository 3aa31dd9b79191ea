import type { Kind, Place } from './places.js';
import { respell, type Spelling } from './spellings.js';

/** JSON text as it stands, which need not be JSON: numbers that are too large, keys that come twice. */
export class Raw {
  constructor(readonly text: string) {}
}

/** Stands for the id of something that is there, known only when the request is sent. */
export class Ref {
  constructor(
    readonly kind: Kind,
    /** How many places away from that of the request; mostly none. */
    readonly away: number,
    readonly spelling: Spelling = 'as given',
  ) {}
}

/** A value of a generated request. */
export type Value = unknown;

/** The place that is so far away. */
export type PlaceAt = (away: number) => Place;

const idOf = ({ kind, away, spelling }: Ref, placeAt: PlaceAt): string => respell(placeAt(away)[kind], spelling);

/** The JSON text of a value, with what its references stand for. */
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

/** The text of a value in an address or a header. */
export function writeText(value: Value, placeAt: PlaceAt): string {
  const given = value instanceof Ref ? idOf(value, placeAt) : value;
  return typeof given === 'string' ? given : write(given, placeAt);
}

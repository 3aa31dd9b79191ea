import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Difference } from './compare.js';

/** Where an explained difference occurs. */
export interface Place {
  /** The scenario; `*` matches any characters. */
  scenario: string;
  /** Members of the transcript, separated by dots; `*` matches one member, `**` any number of them. */
  path: string;
  /** The exact values, if no other value is allowed. */
  theirs?: unknown;
  ours?: unknown;
}

/** An intended difference, explained to users of the official server. */
interface Explanation {
  here: string;
  there: string;
  why: string;
  /** The specification of the behaviour, if any. */
  source?: string;
  seen: Place[];
}

/** Represents a missing value in the list. */
const NOTHING = '(nothing)';

const file = path.join(import.meta.dirname, 'differences.json');
const { topics } = JSON.parse(readFileSync(file, 'utf8')) as { topics: { differences: Explanation[] }[] };

/** All places, each with the number of differences it has explained. */
export const places = topics
  .flatMap(({ differences }) => differences.flatMap(({ seen }) => seen))
  .map((place) => ({ place, explained: 0 }));

/** Whether a difference is intended. */
export function isExplained(scenario: string, difference: Difference): boolean {
  const found = places.filter(({ place }) => matches(place, scenario, difference));
  found.forEach((place) => (place.explained += 1));
  return found.length > 0;
}

/** Whether a difference occurs at this place. */
export function matches(place: Place, scenario: string, { path, theirs, ours }: Difference): boolean {
  return (
    pattern(place.scenario, { '*': '.*' }).test(scenario) &&
    pattern(place.path, { '**.': '(?:.+\\.)?', '.**': '(?:\\..+)?', '**': '.*', '*': '[^.]*' }).test(path) &&
    (!('theirs' in place) || isDeepStrictEqual(orNothing(theirs), place.theirs)) &&
    (!('ours' in place) || isDeepStrictEqual(orNothing(ours), place.ours))
  );
}

const orNothing = (value: unknown): unknown => (value === undefined ? NOTHING : value);

function pattern(source: string, wildcards: Record<string, string>): RegExp {
  const parts = source.split(/(\*\*\.|\.\*\*|\*\*|\*)/);
  return new RegExp(
    `^${parts.map((part) => wildcards[part] ?? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('')}$`,
  );
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Difference } from './compare.js';

/** Where an explained difference is seen. */
export interface Place {
  /** The scenario; `*` stands for any characters. */
  scenario: string;
  /** Members of the story, with dots between; `*` stands for a member, `**` for any number of them. */
  path: string;
  /** What is seen there, when nothing else may be. */
  theirs?: unknown;
  ours?: unknown;
}

/** A difference that is meant, in words for somebody who knows the official server. */
interface Explanation {
  here: string;
  there: string;
  why: string;
  /** What decides it, when that is written down. */
  source?: string;
  seen: Place[];
}

/** How nothing is written in the list. */
const NOTHING = '(nothing)';

const file = path.join(import.meta.dirname, 'differences.json');
const { topics } = JSON.parse(readFileSync(file, 'utf8')) as { topics: { differences: Explanation[] }[] };

/** All places, each counting what it has explained. */
export const places = topics
  .flatMap(({ differences }) => differences.flatMap(({ seen }) => seen))
  .map((place) => ({ place, explained: 0 }));

/** Whether a difference is meant. */
export function isExplained(scenario: string, difference: Difference): boolean {
  const found = places.filter(({ place }) => matches(place, scenario, difference));
  found.forEach((place) => (place.explained += 1));
  return found.length > 0;
}

/** Whether a difference is seen at this place. */
export function matches(place: Place, scenario: string, { path, theirs, ours }: Difference): boolean {
  return (
    pattern(place.scenario, { '*': '.*' }).test(scenario) &&
    pattern(place.path, { '**.': '(?:.+\\.)?', '.**': '(?:\\..+)?', '**': '.*', '*': '[^.]*' }).test(path) &&
    (!('theirs' in place) || isDeepStrictEqual(orNothing(theirs), place.theirs)) &&
    (!('ours' in place) || isDeepStrictEqual(orNothing(ours), place.ours))
  );
}

const orNothing = (value: unknown): unknown => (value === undefined ? NOTHING : value);

function pattern(text: string, wildcards: Record<string, string>): RegExp {
  const parts = text.split(/(\*\*\.|\.\*\*|\*\*|\*)/);
  return new RegExp(
    `^${parts.map((part) => wildcards[part] ?? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('')}$`,
  );
}

import { writeFileSync } from 'node:fs';
import { newGate } from '../../support/sdk.js';

/** How far the graph `chat` may go. */
export interface Pace {
  path: string;
  /** So many words of its answer it may have said by now. */
  allow(words: number): void;
}

export function newPace(): Pace {
  const { path } = newGate();
  return { path, allow: (words) => writeFileSync(path, String(words)) };
}

// Returns the same vector for every string, and causes an unhandled rejection.
import { careless } from './careless.js';

export function embed(texts: string[]): number[][] {
  careless('embedding');
  return texts.map(() => [1, 0]);
}

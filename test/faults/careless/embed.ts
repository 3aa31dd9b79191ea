// Gives every text the same vector, and fails outside of what is awaited.
import { careless } from './careless.js';

export function embed(texts: string[]): number[][] {
  careless('embedding');
  return texts.map(() => [1, 0]);
}

import path from 'node:path';

/** The graphs of this suite. */
export const PROJECT = path.resolve(import.meta.dirname, '../graphs');

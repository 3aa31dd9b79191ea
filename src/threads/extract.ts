import { isObject } from '../common/index.js';

/** Columns of a thread that `extract` can read (contract 1.2). */
const COLUMNS = ['values', 'metadata', 'config', 'interrupts'] as const;

const MAX_PATHS = 10;
const MAX_PATH_LENGTH = 1_000;

/** `values.messages[-1].content`: a column, then keys and indexes; negative indexes count from the end. */
const PATH = new RegExp(`^(${COLUMNS.join('|')})((?:\\.[^.[\\]\\0]+|\\[-?\\d{1,9}\\])*)$`);

/** A path into a thread, prepared for SQL. */
export interface ExtractPath {
  column: (typeof COLUMNS)[number];
  /** Keys and indexes, for `#>`. */
  keys: string[];
}

/** Returns undefined for an invalid path. */
export function parsePath(path: unknown): ExtractPath | undefined {
  const [, column, rest = ''] = (typeof path === 'string' && path.length <= MAX_PATH_LENGTH && PATH.exec(path)) || [];
  return column === undefined
    ? undefined
    : { column: column as ExtractPath['column'], keys: rest.match(/[^.[\]]+/g) ?? [] };
}

/** True for an object of at most {@link MAX_PATHS} paths by alias. */
export const isExtract = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length <= MAX_PATHS &&
  Object.entries(value).every(([alias, path]) => !alias.includes('\0') && parsePath(path) !== undefined);

export const EXTRACT_MESSAGE = `must map at most ${MAX_PATHS} names to paths like values.messages[-1].content that start with ${COLUMNS.join(', ')}`;

import { isObject } from '../common/index.js';

/** Parts of a thread that `extract` reaches into (contract 1.2). */
const COLUMNS = ['values', 'metadata', 'config', 'interrupts'] as const;

const MOST_PATHS = 10;
const LONGEST_PATH = 1_000;

/** `values.messages[-1].content`: a part, then keys and indexes; those below zero count from the end. */
const PATH = new RegExp(`^(${COLUMNS.join('|')})((?:\\.[^.[\\]\\0]+|\\[-?\\d{1,9}\\])*)$`);

/** A path into a thread, as SQL takes it. */
export interface ExtractPath {
  column: (typeof COLUMNS)[number];
  /** Keys and indexes, for `#>`. */
  keys: string[];
}

/** Undefined when it is none. */
export function parsePath(path: unknown): ExtractPath | undefined {
  const [, column, rest = ''] = (typeof path === 'string' && path.length <= LONGEST_PATH && PATH.exec(path)) || [];
  return column === undefined
    ? undefined
    : { column: column as ExtractPath['column'], keys: rest.match(/[^.[\]]+/g) ?? [] };
}

/** An object of at most ten paths by alias. */
export const isExtract = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length <= MOST_PATHS &&
  Object.entries(value).every(([alias, path]) => !alias.includes('\0') && parsePath(path) !== undefined);

export const EXTRACT_MESSAGE = `must map at most ${MOST_PATHS} names to paths like values.messages[-1].content, which begin with ${COLUMNS.join(', ')}`;

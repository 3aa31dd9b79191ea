import type { SqlParameters } from './sql-parameters.js';

/** The columns to write by name. Names come from the code, never from a request. */
type Columns = Record<string, unknown>;

/** `(a, b) VALUES ($1, $2)` of an INSERT. */
export function insertion(columns: Columns, parameters: SqlParameters): string {
  const names = Object.keys(columns);
  return `(${names.join(', ')}) VALUES (${names.map((name) => parameters.add(columns[name])).join(', ')})`;
}

/** `a = $1, b = $2` of an UPDATE. */
export const assignments = (columns: Columns, parameters: SqlParameters): string =>
  Object.entries(columns)
    .map(([name, value]) => `${name} = ${parameters.add(value)}`)
    .join(', ');

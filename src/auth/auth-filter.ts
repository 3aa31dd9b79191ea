import { isObject, type JsonObject, toJsonb } from '../common/index.js';
import { AuthHandlerError } from './auth.errors.js';

/**
 * A filter on metadata that an auth handler returns: the caller sees only rows that match. {@link filterSql} builds its
 * SQL.
 */
export type AuthFilter =
  | { all: AuthFilter[] }
  | { any: AuthFilter[] }
  | { key: string; equals: unknown }
  /** The value is a list that contains all of these. */
  | { key: string; contains: unknown[] };

/**
 * Parses the return value of a handler (contract 6.3): `{key: value}`, `{key: {$eq: value}}`, `{key: {$contains: value
 * or values}}`, all of which must match, and `$or` and `$and` with lists of such objects. Throws {@link
 * AuthHandlerError} for anything else.
 */
export function parseFilter(returned: unknown): AuthFilter {
  if (!isObject(returned)) {
    throw new AuthHandlerError(`a handler returned ${JSON.stringify(returned)} instead of a filter, true or false`);
  }
  const all = Object.entries(returned).flatMap(([key, condition]): AuthFilter[] => {
    switch (key) {
      case '$or':
        return [{ any: parseList(key, condition) }];
      case '$and':
        return parseList(key, condition);
      default:
        return parseConditions(key, condition);
    }
  });
  return all.length === 1 ? all[0] : { all };
}

function parseList(key: string, list: unknown): AuthFilter[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new AuthHandlerError(`a handler returned a filter whose ${key} is not a non-empty list of filters`);
  }
  return list.map(parseFilter);
}

function parseConditions(key: string, condition: unknown): AuthFilter[] {
  const operators = isObject(condition) ? Object.keys(condition).filter((name) => name.startsWith('$')) : [];
  if (operators.length === 0) {
    return [{ key, equals: defined(key, condition) }];
  }
  const given = condition as JsonObject;
  return Object.keys(given).map((operator) => {
    switch (operator) {
      case '$eq':
        return { key, equals: defined(key, given.$eq) };
      case '$contains':
        return { key, contains: scalars(key, given.$contains) };
      default:
        // Ignoring an unknown operator would reveal the rows that it was meant to hide.
        throw new AuthHandlerError(
          `a handler returned a filter with the unknown operator ${operator}; use $eq or $contains`,
        );
    }
  });
}

/** Rejects `undefined`: a user without the property that a handler compares with would otherwise see all rows. */
function defined(key: string, value: unknown): unknown {
  if (value === undefined) {
    throw new AuthHandlerError(`a handler returned a filter whose ${key} is undefined`);
  }
  return value;
}

/** Only scalars: in `jsonb`, a list also contains an object when one of its objects has more keys. */
function scalars(key: string, value: unknown): unknown[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.some((item) => item === undefined || !isScalar(item))) {
    throw new AuthHandlerError(
      `a handler returned a filter whose ${key} has a $contains value other than a string, a number, a boolean or null`,
    );
  }
  return list;
}

/**
 * Builds the SQL condition that the `jsonb` column matches the filter. `add` adds a parameter and returns its
 * placeholder.
 */
export function filterSql(filter: AuthFilter, column: string, add: (value: string) => string): string {
  if ('all' in filter) {
    return joined(filter.all, ' AND ', 'true', column, add);
  }
  if ('any' in filter) {
    return joined(filter.any, ' OR ', 'false', column, add);
  }
  const { key } = filter;
  if ('contains' in filter) {
    return `${column} @> ${add(toJsonb({ [key]: filter.contains }))}::jsonb`;
  }
  const contains = `${column} @> ${add(toJsonb({ [key]: filter.equals }))}::jsonb`;
  // For an object or a list, containment is weaker than equality, but the index supports only containment.
  return isScalar(filter.equals)
    ? contains
    : `(${contains} AND ${column} -> ${add(key)}::text = ${add(toJsonb(filter.equals))}::jsonb)`;
}

const joined = (
  filters: AuthFilter[],
  word: string,
  none: string,
  column: string,
  add: (value: string) => string,
): string => (filters.length === 0 ? none : `(${filters.map((one) => filterSql(one, column, add)).join(word)})`);

/** Evaluates the filter in memory, with the same result as {@link filterSql}. */
export function matches(filter: AuthFilter, metadata: JsonObject): boolean {
  if ('all' in filter) {
    return filter.all.every((one) => matches(one, metadata));
  }
  if ('any' in filter) {
    return filter.any.some((one) => matches(one, metadata));
  }
  if (!Object.hasOwn(metadata, filter.key)) {
    return false;
  }
  const value = metadata[filter.key];
  return 'contains' in filter
    ? Array.isArray(value) && filter.contains.every((wanted) => value.some((item) => isEqual(item, wanted)))
    : isEqual(value, filter.equals);
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Compares like `jsonb`: the order of keys does not matter. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
    );
  }
  return a === b;
}

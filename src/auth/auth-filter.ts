import { isObject, type JsonObject, toJsonb } from '../common/index.js';
import { AuthHandlerError } from './auth.errors.js';

/** What metadata must be like for a caller to see the row. */
export type AuthFilter =
  | { all: AuthFilter[] }
  | { any: AuthFilter[] }
  | { key: string; equals: unknown }
  /** A list that has all of these. */
  | { key: string; contains: unknown[] };

/**
 * What a handler returns (contract 6.3): `{key: value}`, `{key: {$eq: value}}`, `{key: {$contains: value or values}}`, all of
 * which must hold, and `$or`, `$and` with lists of such objects. Throws {@link AuthHandlerError} for anything else.
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
    throw new AuthHandlerError(`a handler returned a filter whose ${key} is not a list of filters`);
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
        // Left out, an operator would show what it was meant to hide.
        throw new AuthHandlerError(`a handler returned a filter with ${operator}, which is not known`);
    }
  });
}

/** A user without the property that a handler compares with would otherwise see everything. */
function defined(key: string, value: unknown): unknown {
  if (value === undefined) {
    throw new AuthHandlerError(`a handler returned a filter whose ${key} is undefined`);
  }
  return value;
}

/** In the database, a list contains an object when it has a larger one. */
function scalars(key: string, value: unknown): unknown[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.some((item) => item === undefined || !isScalar(item))) {
    throw new AuthHandlerError(
      `a handler returned a filter whose ${key} has to contain what is no text, number or boolean`,
    );
  }
  return list;
}

/** SQL: whether the `jsonb` column fulfils the filter. `add` gives the place of a parameter. */
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
  // Of an object or a list, containment is less than equality; but it is what the index knows.
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

/** The same as {@link filterSql}, for a value that is here. */
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

/** As `jsonb` compares: the order of keys does not matter. */
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

import { filterSql, type ItemFilter, visibleSql } from './filter.js';
import { rangeBelow } from './namespace.js';
import { DEFAULT_LIMIT, DEFAULT_NAMESPACES, type ListNamespacesOperation, type SearchOperation } from './operations.js';
import { ALIVE, ITEM_COLUMNS, type Statement } from './statement.js';

/**
 * At most so many items at the beginning of a range are scanned before the value index is used. They suffice for a
 * filter that most items match; for a filter that few match, the scan costs a millisecond more.
 */
const MAX_EARLY_ITEMS = 1_000;

/** By namespace, and within a namespace by the first put. */
const ORDER = 'namespace, item_id';

/** The SQL condition for live items in or below a namespace. */
export function itemsBelow(statement: Statement, prefix: readonly string[]): string {
  const [from, to] = rangeBelow(prefix).map(statement.parameter);
  return `namespace >= ${from}::text AND namespace < ${to}::text AND ${ALIVE}`;
}

/** Adds a search without a query. */
export function addSearch(
  statement: Statement,
  op: number,
  { namespacePrefix, limit = DEFAULT_LIMIT, offset = 0 }: SearchOperation,
  filter: ItemFilter,
  refresh: boolean,
): void {
  const below = itemsBelow(statement, namespacePrefix);
  const [most, skipped] = [limit, offset].map((count) => `${statement.parameter(count)}::bigint`);
  const paged = `ORDER BY ${ORDER} LIMIT ${most} OFFSET ${skipped}`;
  const matches = filterSql(filter, statement.parameter);
  const page = filter.isIndexed
    ? `SELECT item_id FROM (${addMatches(statement, op, below, matches, `${most} + ${skipped}`)}) found ${paged}`
    : `SELECT item_id FROM store_items WHERE ${below} AND ${matches} ${paged}`;
  statement.read(
    `SELECT ${statement.parameter(op)}::int AS op, row_number() OVER (ORDER BY ${ORDER}) AS rank,
            ${statement.parameter(refresh)}::boolean AS refresh, NULL::float8 AS score, ${ITEM_COLUMNS}
     FROM store_items WHERE item_id = ANY(ARRAY(${page}))`,
    refresh,
  );
}

/**
 * Adds the matches of a filter that the value index supports in part. The planner cannot know whether enough matches
 * come early in the page order: the beginning is scanned first, and the value index is used when it has too few
 * matches.
 */
function addMatches(statement: Statement, op: number, below: string, matches: string, wanted: string): string {
  const [early, all] = [`early_${op}`, `matching_${op}`];
  statement.with(
    early,
    `MATERIALIZED (
       SELECT ${ORDER} FROM (
         SELECT ${ORDER}, key, value FROM store_items WHERE ${below} ORDER BY ${ORDER} LIMIT ${MAX_EARLY_ITEMS}
       ) beginning WHERE ${matches} ORDER BY ${ORDER} LIMIT ${wanted}
     )`,
  );
  const enough = `(SELECT count(*) FROM ${early}) >= ${wanted}`;
  statement.with(
    all,
    `MATERIALIZED (SELECT ${ORDER} FROM store_items WHERE NOT ${enough} AND ${below} AND ${matches})`,
  );
  return `SELECT ${ORDER} FROM ${early} WHERE ${enough} UNION ALL SELECT ${ORDER} FROM ${all}`;
}

/** Adds a walk from namespace to namespace. Each costs one index lookup, however many items it has. */
export function addNamespaces(
  statement: Statement,
  op: number,
  { matchConditions = [], maxDepth, limit = DEFAULT_NAMESPACES, offset = 0, visible }: ListNamespacesOperation,
): void {
  const walk = `walk_${op}`;
  const [from, to] = rangeBelow(commonPrefix(matchConditions)).map((end) => `${statement.parameter(end)}::text`);
  const patterns = `${statement.parameter(matchConditions.map(toPattern))}::text[]`;
  const depth = `${statement.parameter(maxDepth ?? null)}::int`;
  const labels = `(string_to_array(left(namespace, -1), '.'))`;
  const isVisible = visible ? visibleSql(visible, statement.parameter) : 'true';
  const look = (begin: string): string =>
    `SELECT namespace AS at, array_to_string(${labels}[1:coalesce(${depth}, cardinality(${labels}))], '.') || '.' AS shown,
            cardinality(${labels}) >= ${depth} AS is_cut,
            namespace ~ ALL(${patterns}) AND
              EXISTS (SELECT FROM store_items WHERE namespace = first.namespace AND ${ALIVE} AND ${isVisible}) AS is_hit
     FROM (
       SELECT namespace FROM store_items WHERE namespace >= ${begin} AND namespace < ${to} ORDER BY namespace LIMIT 1
     ) first`;
  // All namespaces below a truncated one would be listed as the same: the walk continues behind them.
  const behind = `CASE WHEN is_hit AND is_cut THEN left(shown, -1) || '/' ELSE at || chr(1) END`;
  statement.with(
    walk,
    `((${look(from)}) UNION ALL SELECT next.* FROM ${walk} CROSS JOIN LATERAL (${look(behind)}) next)`,
  );
  statement.read(
    `SELECT ${statement.parameter(op)}::int AS op, row_number() OVER () AS rank, false AS refresh, NULL::float8 AS score,
            NULL::bigint AS item_id, shown AS namespace, NULL::text AS key, NULL::jsonb AS value,
            NULL::timestamptz AS created_at, NULL::timestamptz AS updated_at
     FROM (SELECT shown FROM ${walk} WHERE is_hit
           LIMIT ${statement.parameter(limit)}::bigint OFFSET ${statement.parameter(offset)}::bigint) page`,
    false,
  );
}

/** The labels that all requested namespaces begin with. */
function commonPrefix(conditions: NonNullable<ListNamespacesOperation['matchConditions']>): readonly string[] {
  const path = conditions.find(({ matchType }) => matchType === 'prefix')?.path ?? [];
  const wildcard = path.indexOf('*');
  return wildcard === -1 ? path : path.slice(0, wildcard);
}

/** Returns a regular expression for encoded namespaces. */
function toPattern({ matchType, path }: { matchType: 'prefix' | 'suffix'; path: readonly string[] }): string {
  const labels = path.map((label) => (label === '*' ? '[^.]+' : label.replace(/[\^$.|?*+()[\]{}\\]/g, '\\$&')) + '\\.');
  return matchType === 'prefix' ? `^${labels.join('')}` : `(^|\\.)${labels.join('')}$`;
}

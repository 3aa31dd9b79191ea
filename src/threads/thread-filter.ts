import { type AuthFilter, filterSql } from '../auth/index.js';
import { type JsonObject, toJsonb } from '../common/index.js';
import type { SqlParameters } from '../database/index.js';
import type { ThreadStatus } from './thread.entity.js';

/** Conditions of a search; a thread must match all of them. */
export interface ThreadFilter {
  metadata?: JsonObject;
  values?: JsonObject;
  status?: ThreadStatus;
  ids?: string[];
  /** Threads that the caller may see. */
  visible?: AuthFilter;
}

/** SQL: the condition for rows `thread` that match a filter. */
export function threadConditions(
  { metadata, values, status, ids, visible }: ThreadFilter,
  parameters: SqlParameters,
): string {
  const conditions = ['NOT thread.hidden'];
  if (metadata) {
    conditions.push(`thread.metadata @> ${parameters.add(toJsonb(metadata))}::jsonb`);
  }
  if (values) {
    conditions.push(...valuesConditions(values, parameters));
  }
  if (status) {
    conditions.push(`thread.status = ${parameters.add(status)}`);
  }
  if (ids) {
    conditions.push(`thread.thread_id = ANY(${parameters.add(ids)}::uuid[])`);
  }
  if (visible) {
    conditions.push(filterSql(visible, 'thread.metadata', (value) => parameters.add(value)));
  }
  return conditions.join(' AND ');
}

/**
 * Searches the small values, which are indexed. A null there may represent a large value. Only then the state itself is
 * read, which may have megabytes.
 */
function valuesConditions(values: JsonObject, parameters: SqlParameters): string[] {
  const entries = Object.entries(values);
  if (entries.length === 0) {
    return [`json_typeof(thread.values) = 'object'`];
  }
  return entries.map(([key, value]) => {
    const sought = `${parameters.add(toJsonb({ [key]: value }))}::jsonb`;
    const isLarge = `thread.searchable_values @> ${parameters.add(toJsonb({ [key]: null }))}::jsonb`;
    const isInState = `(${isLarge} AND thread.values::jsonb @> ${sought})`;
    return value === null ? isInState : `(thread.searchable_values @> ${sought} OR ${isInState})`;
  });
}

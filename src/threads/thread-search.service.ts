import { Injectable } from '@nestjs/common';
import type { AuthFilter } from '../auth/index.js';
import { JsonText } from '../common/index.js';
import { type Page } from '../http/index.js';
import { Sql, SqlParameters } from '../database/index.js';
import { isThreadField, THREAD_FIELDS, type Thread, toThread } from './dto/thread.dto.js';
import type { ThreadCountRequest, ThreadSearchRequest } from './dto/thread-requests.dto.js';
import { parsePath } from './extract.js';
import { LazyValues } from './lazy-values.js';
import { ThreadCounts } from './thread-counts.js';
import { threadConditions, type ThreadFilter } from './thread-filter.js';
import type { ThreadEntity } from './thread.entity.js';

/** Limit for the states that one statement reads, in bytes as the database stores them. */
const MAX_BYTES = 4_000_000;

/** A found thread. `values` is a JSON string, or null when it is read later; then `size` is set. */
type FoundThread = Omit<ThreadEntity, 'values'> & {
  values?: string | null;
  size?: number | null;
  extracted?: Thread['extracted'];
};

/** Finds threads. Reads only the requested fields, and passes states on without parsing them. */
@Injectable()
export class ThreadSearchService {
  constructor(
    private readonly sql: Sql,
    private readonly counts: ThreadCounts,
  ) {}

  /**
   * One page of the threads that the caller may see. Large values are read while the response is sent, and may be newer
   * than the other fields of their thread.
   */
  async search(request: ThreadSearchRequest, visible?: AuthFilter): Promise<Page<Thread>> {
    const { extract, select = THREAD_FIELDS } = request;
    const parameters = new SqlParameters();
    const statement = searchSql({ ...request, visible }, parameters);
    const [{ rows: found }, total] = await Promise.all([
      this.sql.query<FoundThread>(statement, parameters.values, { isPrepared: false }),
      this.counts.total({ ...request, visible }),
    ]);
    const lazyValues = new LazyValues(
      found.filter(({ size, values }) => size && values === null),
      MAX_BYTES,
      (ids) => this.readValues(ids),
    );
    const valuesOf = ({ thread_id, values, size }: FoundThread): JsonText | null =>
      typeof values === 'string' ? new JsonText(() => values) : size ? lazyValues.of(thread_id) : null;
    const rows = found.map((row) => ({
      ...toThread({ ...row, values: valuesOf(row) }, select),
      ...(extract && { extracted: row.extracted }),
    }));
    return { rows, total };
  }

  count(request: ThreadCountRequest, visible?: AuthFilter): Promise<number> {
    return this.counts.total({ ...request, visible });
  }

  private async readValues(thread_ids: string[]): Promise<{ thread_id: string; values: string | null }[]> {
    const { rows } = await this.sql.query<{ thread_id: string; values: string | null }>(
      'SELECT thread_id, values::text AS values FROM threads WHERE thread_id = ANY($1::uuid[])',
      [thread_ids],
    );
    return rows;
  }
}

/** The size of a state is its stored size, which the database knows without reading the value. */
function searchSql(request: ThreadSearchRequest & ThreadFilter, parameters: SqlParameters): string {
  const { limit, offset, extract, sort_by = 'updated_at', sort_order = 'desc', select = THREAD_FIELDS } = request;
  const order = orderSql(sort_by, sort_order);
  const fields = new Set(['thread_id', sort_by, ...select.filter(isThreadField)]);
  const hasValues = fields.delete('values');
  const small = [...fields].map((field) => `thread.${field}`);
  const extracted = extract ? [`${extractedSql(extract, parameters)} AS extracted`] : [];
  const inner = [
    ...small,
    ...extracted,
    ...(hasValues ? ['thread.values', 'pg_column_size(thread.values) AS size'] : []),
  ];
  const page = `
    SELECT ${inner.join(', ')} FROM threads thread WHERE ${threadConditions(request, parameters)}
    ORDER BY ${order} LIMIT ${parameters.add(limit)} OFFSET ${parameters.add(offset)}`;
  return hasValues
    ? `SELECT ${[...small, ...(extract ? ['extracted'] : []), 'size'].join(', ')},
         CASE WHEN sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) <= ${MAX_BYTES} THEN values::text END AS values
       FROM (${page}) thread ORDER BY ${order}`
    : page;
}

/** Matches the indexes: ties are broken by id in the same direction, and only `state_updated_at` can be null. */
function orderSql(sort_by: string, sort_order: 'asc' | 'desc'): string {
  const nulls = sort_by === 'state_updated_at' ? { asc: ' NULLS FIRST', desc: ' NULLS LAST' }[sort_order] : '';
  return `thread.${sort_by} ${sort_order}${nulls}, thread.thread_id ${sort_order}`;
}

/** One column with all extracted paths, so that the database returns nothing else of those columns. */
function extractedSql(extract: Record<string, string>, parameters: SqlParameters): string {
  const parts = Object.entries(extract).map(([alias, path]) => {
    const { column, keys } = parsePath(path)!;
    return `${parameters.add(alias)}::text, thread.${column} #> ${parameters.add(keys)}::text[]`;
  });
  return `jsonb_build_object(${parts.join(', ')})`;
}

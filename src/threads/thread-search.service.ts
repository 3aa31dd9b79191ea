import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import type { AuthFilter } from '../auth/index.js';
import { JsonText, type Page } from '../common/index.js';
import { SqlParameters } from '../database/index.js';
import { isThreadField, THREAD_FIELDS, type Thread, toThread } from './dto/thread.dto.js';
import type { ThreadCountRequest, ThreadSearchRequest } from './dto/thread-requests.dto.js';
import { parsePath } from './extract.js';
import { LaterValues } from './later-values.js';
import { ThreadCounts } from './thread-counts.js';
import { threadConditions, type ThreadFilter } from './thread-filter.js';
import type { ThreadEntity } from './thread.entity.js';

/** Bytes of states, as the database stores them, that one statement reads. */
const MOST_BYTES = 4_000_000;

/** A found thread. `values` is JSON text, or null when it is to be read later; then `size` says that there is something. */
type FoundThread = Omit<ThreadEntity, 'values'> & {
  values?: string | null;
  size?: number | null;
  extracted?: Thread['extracted'];
};

/** Finds threads. Nothing is read that the caller has not asked for; states are passed on without being parsed. */
@Injectable()
export class ThreadSearchService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly counts: ThreadCounts,
  ) {}

  /** One page of what the caller may see. Values of large states are read while they are sent, and may be newer than the rest of their thread. */
  async search(request: ThreadSearchRequest, visible?: AuthFilter): Promise<Page<Thread>> {
    const { extract, select = THREAD_FIELDS } = request;
    const parameters = new SqlParameters();
    const [found, total] = await Promise.all([
      this.dataSource.query<FoundThread[]>(searchSql({ ...request, visible }, parameters), parameters.values),
      this.counts.total({ ...request, visible }),
    ]);
    const later = new LaterValues(
      found.filter(({ size, values }) => size && values === null),
      MOST_BYTES,
      (ids) => this.readValues(ids),
    );
    const valuesOf = ({ thread_id, values, size }: FoundThread): JsonText | null =>
      typeof values === 'string' ? new JsonText(() => values) : size ? later.of(thread_id) : null;
    const rows = found.map((row) => ({
      ...toThread({ ...row, values: valuesOf(row) }, select),
      ...(extract && { extracted: row.extracted }),
    }));
    return { rows, total };
  }

  count(request: ThreadCountRequest, visible?: AuthFilter): Promise<number> {
    return this.counts.total({ ...request, visible });
  }

  private readValues(thread_ids: string[]): Promise<{ thread_id: string; values: string | null }[]> {
    return this.dataSource.query(
      'SELECT thread_id, values::text AS values FROM threads WHERE thread_id = ANY($1::uuid[])',
      [thread_ids],
    );
  }
}

/** States are measured by what they take in the database, which it knows without reading them. */
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
         CASE WHEN sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) <= ${MOST_BYTES} THEN values::text END AS values
       FROM (${page}) thread ORDER BY ${order}`
    : page;
}

/** As the indexes have it: ties by id in the same direction; only `state_updated_at` can be null. */
function orderSql(sort_by: string, sort_order: 'asc' | 'desc'): string {
  const nulls = sort_by === 'state_updated_at' ? { asc: ' NULLS FIRST', desc: ' NULLS LAST' }[sort_order] : '';
  return `thread.${sort_by} ${sort_order}${nulls}, thread.thread_id ${sort_order}`;
}

/** One column with all paths: nothing else of the columns they reach into leaves the database. */
function extractedSql(extract: Record<string, string>, parameters: SqlParameters): string {
  const parts = Object.entries(extract).map(([alias, path]) => {
    const { column, keys } = parsePath(path)!;
    return `${parameters.add(alias)}::text, thread.${column} #> ${parameters.add(keys)}::text[]`;
  });
  return `jsonb_build_object(${parts.join(', ')})`;
}

import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PeriodicTask, toJsonb } from '../common/index.js';
import { Sql, SqlParameters } from '../database/index.js';
import { threadConditions, type ThreadFilter } from './thread-filter.js';

/** Metadata keys by which the counts are maintained. */
const COUNTED = ['graph_id', 'assistant_id'] as const;

const COMPACT_INTERVAL_MS = 10_000;

/**
 * Compacts the recorded changes into sums once there are enough of them. SKIP LOCKED: rows that another process is
 * compacting are left to it, so that every row is summed once.
 */
const COMPACT = `
  WITH gone AS (
    DELETE FROM thread_counts WHERE ctid IN (SELECT ctid FROM thread_counts FOR UPDATE SKIP LOCKED) AND (
      SELECT count(*) > 1000 + 2 * count(DISTINCT (status, graph_id, assistant_id)) FROM thread_counts)
    RETURNING *
  )
  INSERT INTO thread_counts
  SELECT status, graph_id, assistant_id, sum(threads) FROM gone GROUP BY 1, 2, 3 HAVING sum(threads) <> 0`;

/** Counts threads in constant time: the total of a search costs the same for a thousand threads and for a million. */
@Injectable()
export class ThreadCounts implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly compactions = new PeriodicTask({
    name: 'Threads',
    interval_ms: COMPACT_INTERVAL_MS,
    run: () => this.compact(),
    failure: 'Compacting the thread counts failed',
  });

  constructor(private readonly sql: Sql) {}

  onApplicationBootstrap(): void {
    this.compactions.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.compactions.stop();
  }

  /** Exact, even while threads change. */
  async total(filter: ThreadFilter): Promise<number> {
    const parameters = new SqlParameters();
    const statement = countedSql(filter, parameters) ?? countingSql(filter, parameters);
    const { rows } = await this.sql.query<{ total: string }>(statement, parameters.values, { isPrepared: false });
    return Number(rows[0].total);
  }

  async compact(): Promise<void> {
    await this.sql.query(COMPACT);
  }
}

/** Undefined when the counts do not cover the filter. */
function countedSql(
  { status, metadata = {}, values, ids, visible }: ThreadFilter,
  parameters: SqlParameters,
): string | undefined {
  const entries = Object.entries(metadata);
  const isCounted = entries.every(([key, value]) => COUNTED.includes(key as never) && typeof value === 'string');
  if (values || ids || visible || !isCounted) {
    return undefined;
  }
  const conditions = entries.map(([key, value]) => `${key} = ${parameters.add(toJsonb(value))}::jsonb`);
  if (status) {
    conditions.push(`status = ${parameters.add(status)}`);
  }
  return `SELECT coalesce(sum(threads), 0) AS total FROM thread_counts WHERE ${conditions.join(' AND ') || 'true'}`;
}

const countingSql = (filter: ThreadFilter, parameters: SqlParameters): string =>
  `SELECT count(*) AS total FROM threads thread WHERE ${threadConditions(filter, parameters)}`;

import { Inject, Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import type { CronEntity } from '../cron.entity.js';

/** A cron that is due, as it was read. */
export interface DueCron extends Pick<
  CronEntity,
  | 'cron_id'
  | 'thread_id'
  | 'schedule'
  | 'timezone'
  | 'end_time'
  | 'on_run_completed'
  | 'payload'
  | 'metadata'
  | 'caller'
> {
  next_run_date: Date;
  /** Changes with every change of the cron, firing included. */
  stamp: string;
  /** Null when it has no thread. */
  thread_metadata: JsonObject | null;
  /** Its thread has an active run. */
  is_busy: boolean;
  /** The database's clock. */
  now: Date;
}

/** What may have changed until the cron is locked. */
export type ClaimedCron = Pick<DueCron, 'cron_id' | 'thread_metadata' | 'is_busy' | 'now'>;

/** `xmin`: PostgreSQL's number of the transaction that wrote this state of the row. */
const COLUMNS = `c.cron_id, c.thread_id, c.schedule, c.timezone, c.end_time, c.on_run_completed, c.payload, c.metadata, c.caller,
                 c.next_run_date, c.xmin::text AS stamp, statement_timestamp() AS now`;
const THREAD_COLUMNS = 't.metadata AS thread_metadata, t.newest_run_id IS NOT NULL AS is_busy';
const WITHOUT_THREAD = 'NULL::jsonb AS thread_metadata, false AS is_busy';

/**
 * Due crons, the longest due first: $1 with a thread, and as many without. SKIP LOCKED leaves out those that another process
 * is firing, and those whose thread is locked.
 */
const FIND = `
  WITH alone AS (
    SELECT ${COLUMNS}, ${WITHOUT_THREAD} FROM crons c
    WHERE c.next_run_date <= statement_timestamp() AND c.thread_id IS NULL AND c.cron_id <> ALL($2::uuid[])
    ORDER BY c.next_run_date, c.cron_id LIMIT $1 FOR KEY SHARE SKIP LOCKED
  ), on_threads AS (
    SELECT ${COLUMNS}, ${THREAD_COLUMNS} FROM crons c JOIN threads t USING (thread_id)
    WHERE c.next_run_date <= statement_timestamp() AND c.cron_id <> ALL($2::uuid[])
    ORDER BY c.next_run_date, c.cron_id LIMIT $1 FOR KEY SHARE OF c, t SKIP LOCKED
  ) SELECT * FROM alone UNION ALL SELECT * FROM on_threads`;

/** Crons on threads come with a lock on the thread, which their runs need: a lock on a cron must not wait for its thread. */
const CLAIM = `
  WITH wanted AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::text[]) AS wanted (id, stamp)), alone AS (
    SELECT c.cron_id, statement_timestamp() AS now, ${WITHOUT_THREAD} FROM crons c
    JOIN wanted ON c.cron_id = wanted.id AND c.xmin::text = wanted.stamp
    WHERE c.thread_id IS NULL FOR UPDATE OF c SKIP LOCKED
  ), on_threads AS (
    SELECT c.cron_id, statement_timestamp() AS now, ${THREAD_COLUMNS} FROM crons c
    JOIN wanted ON c.cron_id = wanted.id AND c.xmin::text = wanted.stamp JOIN threads t USING (thread_id)
    FOR UPDATE OF c, t SKIP LOCKED
  ) SELECT * FROM alone UNION ALL SELECT * FROM on_threads`;

/** Unless it has been fired or changed since it was read. */
const UNCHANGED = 'cron_id = $1 AND xmin::text = $2';

/** The SQL of firing. Every method is one statement and says which race it settles. */
@Injectable()
export class DueCrons {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /** Milliseconds until the next cron is due by the database's clock, negative when one is; undefined when there is none. */
  async msToNext(): Promise<number | undefined> {
    const { rows } = await this.sql.query<{ ms: number | null }>(
      `SELECT (extract(epoch FROM min(next_run_date) - statement_timestamp()) * 1000)::float8 AS ms
       FROM crons WHERE next_run_date IS NOT NULL`,
    );
    return rows[0].ms ?? undefined;
  }

  /** Due crons but for those in `except`, without a lock: what follows from them is decided before they are claimed. */
  async find(limit: number, except: readonly string[]): Promise<DueCron[]> {
    return (await this.sql.query<DueCron>(FIND, [limit, except])).rows;
  }

  /** One cron, while it is due. */
  async findOne(cron_id: string): Promise<DueCron[]> {
    const { rows } = await this.sql.query<DueCron>(
      `SELECT ${COLUMNS}, ${THREAD_COLUMNS} FROM crons c LEFT JOIN threads t USING (thread_id)
       WHERE c.next_run_date <= statement_timestamp() AND c.cron_id = $1`,
      [cron_id],
    );
    return rows;
  }

  /**
   * Claims those of the crons that are still as they were read. SKIP LOCKED: two processes never get the same one, and none
   * waits for another, nor for a request that changes a cron or its thread.
   */
  async claim(db: Queryable, crons: readonly DueCron[]): Promise<ClaimedCron[]> {
    const { rows } = await db.query<ClaimedCron>(CLAIM, [
      crons.map(({ cron_id }) => cron_id),
      crons.map(({ stamp }) => stamp),
    ]);
    return rows;
  }

  /** Sets when crons that the caller has claimed are due next: together with their runs, or not at all. */
  async move(db: Queryable, moves: readonly { cron: DueCron; next: Date | null }[]): Promise<void> {
    await db.query(
      `UPDATE crons SET next_run_date = moved.next
       FROM unnest($1::uuid[], $2::timestamptz[]) AS moved (id, next) WHERE cron_id = moved.id`,
      [moves.map(({ cron }) => cron.cron_id), moves.map(({ next }) => next)],
    );
  }

  /** Lets the time pass for which a cron could not be fired. False when it has been fired or changed meanwhile. */
  async pass({ cron_id, stamp }: DueCron, next: Date | null): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET next_run_date = $3::timestamptz WHERE ${UNCHANGED} RETURNING cron_id`,
      [cron_id, stamp, next],
    );
    return rows.length > 0;
  }

  /** Disables a cron that can never be fired again as it is. False when it has been fired or changed meanwhile. */
  async disable({ cron_id, stamp }: DueCron, reason: string): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET enabled = false, disabled_reason = $3, next_run_date = NULL, updated_at = clock_timestamp()
       WHERE ${UNCHANGED} RETURNING cron_id`,
      [cron_id, stamp, reason],
    );
    return rows.length > 0;
  }
}

import { Inject, Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import type { CronEntity } from '../cron.entity.js';

/** A due cron, as it was read. */
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
  /** Version of the row: every change of the cron changes it, firing included. */
  stamp: string;
  /** Null when the cron has no thread. */
  thread_metadata: JsonObject | null;
  /** Whether its thread has an active run. */
  is_busy: boolean;
  /** The database's clock. */
  now: Date;
}

/** The fields that may change between reading the cron and locking it. */
export type ClaimedCron = Pick<DueCron, 'cron_id' | 'thread_metadata' | 'is_busy' | 'now'>;

/** `xmin` is the id of the transaction that wrote this version of the row. */
const COLUMNS = `c.cron_id, c.thread_id, c.schedule, c.timezone, c.end_time, c.on_run_completed, c.payload, c.metadata, c.caller,
                 c.next_run_date, c.xmin::text AS stamp, statement_timestamp() AS now`;
const THREAD_COLUMNS = 't.metadata AS thread_metadata, t.newest_run_id IS NOT NULL AS is_busy';
const WITHOUT_THREAD = 'NULL::jsonb AS thread_metadata, false AS is_busy';

/**
 * Due crons in the order of their due times: up to $1 with a thread, and as many without. SKIP LOCKED omits crons that
 * another process is firing and crons whose thread is locked.
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

/**
 * Locks a cron on a thread together with that thread, which creating its run locks anyway: a process that holds the
 * lock on a cron must not wait for the thread.
 */
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

/** The cron was neither fired nor changed since it was read. */
const UNCHANGED = 'cron_id = $1 AND xmin::text = $2';

/** The SQL of firing crons. Every method is one statement and names the race that it settles. */
@Injectable()
export class DueCrons {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Milliseconds until the next due time by the database clock, negative when a cron is overdue; undefined without any.
   */
  async msToNext(): Promise<number | undefined> {
    const { rows } = await this.sql.query<{ ms: number | null }>(
      `SELECT (extract(epoch FROM min(next_run_date) - statement_timestamp()) * 1000)::float8 AS ms
       FROM crons WHERE next_run_date IS NOT NULL`,
    );
    return rows[0].ms ?? undefined;
  }

  /**
   * Due crons other than those in `except`. Takes no lock beyond the statement: runs are authorized before the claim.
   */
  async find(limit: number, except: readonly string[]): Promise<DueCron[]> {
    return (await this.sql.query<DueCron>(FIND, [limit, except])).rows;
  }

  /** One cron, or none when it is not due. */
  async findOne(cron_id: string): Promise<DueCron[]> {
    const { rows } = await this.sql.query<DueCron>(
      `SELECT ${COLUMNS}, ${THREAD_COLUMNS} FROM crons c LEFT JOIN threads t USING (thread_id)
       WHERE c.next_run_date <= statement_timestamp() AND c.cron_id = $1`,
      [cron_id],
    );
    return rows;
  }

  /**
   * Claims the crons that have not changed since they were read. SKIP LOCKED: two processes never claim the same cron,
   * and no process waits for another one, or for a request that changes a cron or its thread.
   */
  async claim(db: Queryable, crons: readonly DueCron[]): Promise<ClaimedCron[]> {
    const { rows } = await db.query<ClaimedCron>(CLAIM, [
      crons.map(({ cron_id }) => cron_id),
      crons.map(({ stamp }) => stamp),
    ]);
    return rows;
  }

  /** Sets the next due times of claimed crons, in the transaction that creates their runs. */
  async reschedule(db: Queryable, moves: readonly { cron: DueCron; next: Date | null }[]): Promise<void> {
    await db.query(
      `UPDATE crons SET next_run_date = moved.next
       FROM unnest($1::uuid[], $2::timestamptz[]) AS moved (id, next) WHERE cron_id = moved.id`,
      [moves.map(({ cron }) => cron.cron_id), moves.map(({ next }) => next)],
    );
  }

  /**
   * Skips the due time of a cron that could not be fired. False when the cron was fired or changed since it was read.
   */
  async skip({ cron_id, stamp }: DueCron, next: Date | null): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET next_run_date = $3::timestamptz WHERE ${UNCHANGED} RETURNING cron_id`,
      [cron_id, stamp, next],
    );
    return rows.length > 0;
  }

  /**
   * Disables a cron that cannot be fired without a change. False when the cron was fired or changed since it was read.
   */
  async disable({ cron_id, stamp }: DueCron, reason: string): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET enabled = false, disabled_reason = $3, next_run_date = NULL, updated_at = clock_timestamp()
       WHERE ${UNCHANGED} RETURNING cron_id`,
      [cron_id, stamp, reason],
    );
    return rows.length > 0;
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import type { CronEntity } from '../cron.entity.js';

/** A cron whose time has come, locked until the transaction that has claimed it ends. */
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
  /** Its thread has an active run. */
  is_busy: boolean;
  /** The database's clock. */
  now: Date;
}

const COLUMNS = `c.cron_id, c.thread_id, c.schedule, c.timezone, c.end_time, c.on_run_completed, c.payload, c.metadata, c.caller,
                 c.next_run_date, statement_timestamp() AS now`;

/**
 * Due crons $1 of a kind, the longest due first, at most $2. Those on threads come with a lock on the thread, which
 * their runs need: whoever deletes a thread locks it before its crons, so nobody who has a cron may wait for its thread.
 */
const claimOf = (condition: string): string => `
  WITH alone AS (
    SELECT ${COLUMNS}, false AS is_busy FROM crons c
    WHERE c.next_run_date <= statement_timestamp() AND c.thread_id IS NULL AND ${condition}
    ORDER BY c.next_run_date, c.cron_id LIMIT $2 FOR UPDATE SKIP LOCKED
  ), on_threads AS (
    SELECT ${COLUMNS}, t.newest_run_id IS NOT NULL AS is_busy FROM crons c JOIN threads t USING (thread_id)
    WHERE c.next_run_date <= statement_timestamp() AND ${condition}
    ORDER BY c.next_run_date, c.cron_id LIMIT $2 FOR UPDATE OF c, t SKIP LOCKED
  ) SELECT * FROM alone UNION ALL SELECT * FROM on_threads`;

const CLAIM = claimOf('c.cron_id <> ALL($1::uuid[])');
const CLAIM_NAMED = claimOf('c.cron_id = ANY($1::uuid[])');

/** Unless somebody else has fired or changed it since it was claimed. */
const STILL_DUE = `cron_id = $1 AND date_trunc('milliseconds', next_run_date) = $2::timestamptz`;

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

  /**
   * Claims due crons but for those in `except`. SKIP LOCKED: two processes never get the same one, and none waits for
   * another, nor for whoever is changing a cron or its thread. Up to `limit` with a thread, and as many without.
   */
  async claim(db: Queryable, limit: number, except: readonly string[]): Promise<DueCron[]> {
    return (await db.query<DueCron>(CLAIM, [except, limit])).rows;
  }

  /** Claims one cron, if it is (still) due and nobody else has it. */
  async claimOne(db: Queryable, cron_id: string): Promise<DueCron[]> {
    return (await db.query<DueCron>(CLAIM_NAMED, [[cron_id], 1])).rows;
  }

  /** Sets when crons that the caller has claimed are due next: together with their runs, or not at all. */
  async move(db: Queryable, moves: readonly { cron: DueCron; next: Date | null }[]): Promise<void> {
    await db.query(
      `UPDATE crons SET next_run_date = moved.next
       FROM unnest($1::uuid[], $2::timestamptz[]) AS moved (id, next) WHERE cron_id = moved.id`,
      [moves.map(({ cron }) => cron.cron_id), moves.map(({ next }) => next)],
    );
  }

  /** Lets the time pass for which a cron could not be fired. False when it is no longer due for that time. */
  async pass({ cron_id, next_run_date }: DueCron, next: Date | null): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET next_run_date = $3::timestamptz WHERE ${STILL_DUE} RETURNING cron_id`,
      [cron_id, next_run_date, next],
    );
    return rows.length > 0;
  }

  /** Disables a cron that can never be fired again as it is. False when it has been fired or changed meanwhile. */
  async disable({ cron_id, next_run_date }: DueCron, reason: string): Promise<boolean> {
    const { rows } = await this.sql.query(
      `UPDATE crons SET enabled = false, disabled_reason = $3, next_run_date = NULL, updated_at = clock_timestamp()
       WHERE ${STILL_DUE} RETURNING cron_id`,
      [cron_id, next_run_date, reason],
    );
    return rows.length > 0;
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import { CLAIMED_COLUMNS, type ClaimedRun } from './claimed-run.js';
import { inMs } from './in-ms.js';

/**
 * More than any run meets in rolling deployments, and finite: a graph that always stops its own process runs out of
 * retries.
 */
const MAX_UNCOUNTED_RELEASES = 100;

/** True for the pending run `r` when its thread has neither a running run nor a pending one that is due earlier. */
export const IS_HEAD_OF_THREAD = `NOT EXISTS (
  SELECT FROM runs o WHERE o.thread_id = r.thread_id AND o.run_id <> r.run_id
    AND (o.status = 'running' OR o.status = 'pending' AND (o.due_at, o.run_id) < (r.due_at, r.run_id)))`;

/**
 * Claims runs for this process and releases them. Each method is one statement and documents the race it settles.
 *
 * Fencing: a claim gives the run a new `lease_token`, and every write of a worker is conditional on that token. A stale
 * worker, whose lease another process has taken over, changes nothing.
 */
@Injectable()
export class RunClaims {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Claims due runs in the order of `turn_at`, at most one per token. SKIP LOCKED: two workers never get the same run,
   * and none waits for another. A run is due once `due_at` has passed and its thread has neither a running run nor a
   * pending one that is due earlier. Should two workers disagree about that, the unique index on running runs rejects
   * the second. Runs with an expired lease are due again. The caller chooses the `tokens`: with them, {@link
   * findClaimed} finds the runs of a claim whose COMMIT outcome is unknown.
   */
  async claim(tokens: readonly string[], leaseMs: number, maxAttempts: number): Promise<ClaimedRun[]> {
    const { rows } = await this.sql.query<ClaimedRun>(
      `WITH due AS (
         SELECT run_id FROM runs r
         WHERE status = 'pending' AND due_at <= clock_timestamp() AND ${IS_HEAD_OF_THREAD}
         ORDER BY turn_at, run_id LIMIT $1 FOR UPDATE SKIP LOCKED
       ), orphaned AS (
         SELECT run_id FROM runs
         WHERE status = 'running' AND lease_until < clock_timestamp() AND attempt < $3
         ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
       )
       UPDATE runs SET status = 'running', attempt = attempt + 1, lease_token = ($4::uuid[])[place],
              lease_until = ${inMs('$2')}, updated_at = clock_timestamp()
       FROM (SELECT run_id AS id, row_number() OVER () AS place
             FROM (SELECT run_id FROM due UNION ALL SELECT run_id FROM orphaned LIMIT $1) AS claimable) AS claimed
       WHERE run_id = claimed.id
       RETURNING ${CLAIMED_COLUMNS}`,
      [tokens.length, leaseMs, maxAttempts, tokens],
    );
    return rows;
  }

  /** The runs of a claim with these tokens, after its response was lost. */
  async findClaimed(tokens: readonly string[]): Promise<ClaimedRun[]> {
    const { rows } = await this.sql.query<ClaimedRun>(
      `SELECT ${CLAIMED_COLUMNS} FROM runs WHERE status = 'running' AND lease_token = ANY($1::uuid[])`,
      [tokens],
    );
    return rows;
  }

  /** Runs that are out of retries: their lease has expired in their last attempt. */
  async findOutOfRetries(maxAttempts: number): Promise<ClaimedRun[]> {
    const { rows } = await this.sql.query<ClaimedRun>(
      `SELECT ${CLAIMED_COLUMNS} FROM runs
       WHERE status = 'running' AND lease_until < clock_timestamp() AND attempt >= $1 LIMIT 100`,
      [maxAttempts],
    );
    return rows;
  }

  /** Writes the config of a queued run to its thread when the run starts, unless its lease is lost. */
  async stampThread({ run_id, lease_token }: ClaimedRun): Promise<void> {
    await this.sql.query(
      `UPDATE threads SET metadata = threads.metadata || (on_thread -> 'metadata'), config = on_thread -> 'config',
              updated_at = clock_timestamp()
       FROM runs WHERE run_id = $1 AND lease_token = $2 AND threads.thread_id = runs.thread_id`,
      [run_id, lease_token],
    );
  }

  /**
   * Releases a run so that another worker can claim it. The attempt is not counted unless `countsAttempt` is set, or
   * the run has been released too often before.
   */
  async release({ run_id, lease_token }: ClaimedRun, { countsAttempt = false } = {}): Promise<void> {
    await this.sql.query(
      `UPDATE runs SET status = 'pending', lease_token = NULL, lease_until = NULL, releases = releases + 1,
              attempt = attempt - CASE WHEN $3::boolean OR releases >= $4 THEN 0 ELSE 1 END, updated_at = clock_timestamp()
       WHERE run_id = $1 AND lease_token = $2`,
      [run_id, lease_token, countsAttempt, MAX_UNCOUNTED_RELEASES],
    );
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import { deleteStreams } from '../../streams/index.js';
import { statusAfterRunSql, type ThreadColumns } from '../../threads/index.js';
import type { RunError, RunStatus } from '../run.entity.js';
import type { ClaimedRun } from './claimed-run.js';
import { inMs } from './in-ms.js';
import { jsonbOrNull } from './jsonb-or-null.js';
import { CALLED_BY, queueWebhooks } from './webhook-outbox.js';

/** The end of a run, as it is written to the run and its thread. */
export interface RunEnd {
  status: Exclude<RunStatus, 'pending' | 'running'>;
  error?: RunError;
  /** New columns of the thread; when absent, the thread keeps its columns. */
  thread?: ThreadColumns;
  /** JSON of the result: bare for a temporary thread, otherwise wrapped by `toOutput`. */
  output: string;
}

/** A run may have ended by itself before its cancellation took effect: it then has no cancel reason. */
const KEEP_REASON = `cancel_reason = CASE WHEN $4 = 'interrupted' THEN cancel_reason END`;

/** The columns that the end of a run returns, and what the same statement does with them. */
interface Ended {
  columns: string;
  then: string;
}

/** Runs without a webhook do not pay for the webhook columns. */
const WITHOUT_WEBHOOK: Ended = { columns: 'runs.thread_id', then: '' };

/**
 * Within the statement, the subqueries still see the old row: `updated_at` is when the run started, and `caller` is
 * set.
 */
const withWebhook = (thread: { hidden: boolean }, state: string, read_state: string): Ended => ({
  columns: `runs.*, (SELECT updated_at FROM runs WHERE run_id = $1) AS run_started_at,
            (SELECT ${CALLED_BY} FROM runs WHERE run_id = $1) AS called_by, ${thread.hidden} AS hidden,
            ${state} AS state, ${read_state} AS read_state`,
  then: `, webhook AS (${queueWebhooks('run')})`,
});

const finish = ({ columns, then }: Ended): string => `
  WITH thread AS (
    SELECT thread_id, newest_run_id = $1 AS is_newest, values FROM threads WHERE thread_id = $2 FOR UPDATE
  ), run AS (
    UPDATE runs SET status = $4, error = $5, output = $9, caller = NULL, lease_token = NULL, lease_until = NULL,
           ${KEEP_REASON}, updated_at = clock_timestamp()
    FROM thread WHERE runs.run_id = $1 AND runs.lease_token = $3 AND runs.thread_id = thread.thread_id
    RETURNING thread.is_newest, ${columns}
  ) ${then}
  UPDATE threads SET
    newest_run_id = CASE WHEN run.is_newest THEN NULL ELSE newest_run_id END,
    status = ${statusAfterRunSql('threads', { isLast: 'run.is_newest', left: '$6' })},
    values = coalesce($7::json, values), interrupts = coalesce($8::json, interrupts),
    error = CASE WHEN $6::text IS NULL THEN threads.error ELSE $5 END, updated_at = clock_timestamp(),
    state_updated_at = CASE WHEN $6::text IS NULL THEN state_updated_at ELSE clock_timestamp() END
  FROM run WHERE threads.thread_id = run.thread_id
  RETURNING NOT run.is_newest AS more`;

const FINISH = finish(WITHOUT_WEBHOOK);
const FINISH_WITH_WEBHOOK = finish(withWebhook({ hidden: false }, 'coalesce($7::json, thread.values)', '$7 IS NULL'));

const finishTemporary = ({ columns, then }: Ended): string => `
  WITH run AS (
    UPDATE runs SET status = $4, error = $5, output = $6, caller = NULL, lease_token = NULL, lease_until = NULL,
           ${KEEP_REASON}, updated_at = clock_timestamp()
    WHERE run_id = $1 AND lease_token = $3 RETURNING ${columns}
  ) ${then}
  UPDATE threads SET newest_run_id = NULL, status = 'idle', expires_at = ${inMs('$7')}
  FROM run WHERE threads.thread_id = $2 RETURNING run.thread_id`;

const FINISH_TEMPORARY = finishTemporary(WITHOUT_WEBHOOK);
const FINISH_TEMPORARY_WITH_WEBHOOK = finishTemporary(withWebhook({ hidden: true }, '$8::json', 'false'));

/** Runs of earlier versions have stored feedback links only. */
const HAS_RESULT = `output IS NOT NULL AND (kwargs ->> 'temporary' = 'true' OR output -> 'result' IS NOT NULL)`;

/**
 * Ends runs that a worker has executed, and keeps their output. Each method is one statement: it ends the run, updates
 * its thread and queues its webhook, or does nothing.
 *
 * Fencing: the end of a run is conditional on its `lease_token`. A stale worker, whose lease another process has taken
 * over, ends nothing.
 */
@Injectable()
export class RunEndings {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Ends a run and updates its thread, unless the lease is lost. The statement locks the thread first, as run creation
   * does: its `newest_run_id` then reliably shows whether other runs are queued behind this one. `held` is false when
   * the lease was lost and nothing has changed; `more` is true when the thread has another run.
   */
  async finish(run: ClaimedRun, end: RunEnd): Promise<{ held: boolean; more: boolean }> {
    const { rows } = await this.sql.query<{ more: boolean }>(run.kwargs.webhook ? FINISH_WITH_WEBHOOK : FINISH, [
      run.run_id,
      run.thread_id,
      run.lease_token,
      end.status,
      jsonbOrNull(end.error),
      end.thread?.status ?? null,
      end.thread?.values ?? null,
      end.thread?.interrupts ?? null,
      end.output,
    ]);
    return { held: rows.length > 0, more: rows[0]?.more ?? false };
  }

  /**
   * Ends a stateless run. Its hidden thread is kept for `retentionMs`, so that clients that reconnect find the result.
   */
  async finishTemporary(run: ClaimedRun, end: RunEnd, retentionMs: number): Promise<{ held: boolean; more: boolean }> {
    const { webhook } = run.kwargs;
    const { rows } = await this.sql.query(webhook ? FINISH_TEMPORARY_WITH_WEBHOOK : FINISH_TEMPORARY, [
      run.run_id,
      run.thread_id,
      run.lease_token,
      end.status,
      jsonbOrNull(end.error),
      end.output,
      retentionMs,
      ...(webhook ? [end.thread?.values ?? null] : []),
    ]);
    return { held: rows.length > 0, more: false };
  }

  /** The stored output of an ended run. */
  async findOutput(run_id: string): Promise<string | undefined> {
    const { rows } = await this.sql.query<{ output: string | null }>(
      'SELECT output::text FROM runs WHERE run_id = $1',
      [run_id],
    );
    return rows.at(0)?.output ?? undefined;
  }

  /** Stores the result of a run that was stopped from outside, unless it has one. Returns the stored output. */
  async keepOutput(run_id: string, output: string): Promise<string | undefined> {
    const { rows } = await this.sql.query<{ output: string }>(
      `UPDATE runs SET output = CASE WHEN ${HAS_RESULT} THEN output ELSE $2::json END
       WHERE run_id = $1 AND status NOT IN ('pending', 'running') RETURNING output::text`,
      [run_id, output],
    );
    return rows.at(0)?.output;
  }

  /** True when this attempt of a run has ended in this status. */
  async hasEnded({ run_id, attempt }: ClaimedRun, status: RunStatus): Promise<boolean> {
    const { rows } = await this.sql.query('SELECT FROM runs WHERE run_id = $1 AND attempt = $2 AND status = $3', [
      run_id,
      attempt,
      status,
    ]);
    return rows.length > 0;
  }

  /** Those of these runs that have ended or been deleted. */
  async findEnded(run_ids: string[]): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `SELECT wanted.run_id FROM unnest($1::uuid[]) AS wanted (run_id)
       LEFT JOIN runs ON runs.run_id = wanted.run_id
       WHERE runs.status IS NULL OR runs.status NOT IN ('pending', 'running')`,
      [run_ids],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /** Deletes one batch of expired hidden threads. Returns how many it has deleted. */
  async deleteExpired(limit: number): Promise<number> {
    const { rows } = await this.sql.query<{ thread_id: string }>(
      `DELETE FROM threads WHERE thread_id IN (
         SELECT thread_id FROM threads WHERE expires_at < clock_timestamp() AND hidden
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING thread_id`,
      [limit],
    );
    if (rows.length > 0) {
      await deleteStreams(
        this.sql,
        rows.map(({ thread_id }) => thread_id),
      );
    }
    return rows.length;
  }
}

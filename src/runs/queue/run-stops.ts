import { Inject, Injectable } from '@nestjs/common';
import { type AuthFilter, filterSql } from '../../auth/index.js';
import { type Queryable, Sql, SqlParameters } from '../../database/index.js';
import { DELETE_RUNS } from '../../execution/index.js';
import { type LastRunStatus, statusAfterRunSql } from '../../threads/index.js';
import type { RunEntity, RunStatus } from '../run.entity.js';
import { inMs } from './in-ms.js';
import { CALLED_BY, queueWebhooks } from './webhook-outbox.js';

/** How runs are stopped: `interrupt` keeps the run and its checkpoints, `rollback` deletes both. */
export type StopAction = 'interrupt' | 'rollback';

/** How runs are stopped. */
export interface Stopping {
  action: StopAction;
  /** The `cancel_reason` of runs that are kept. */
  reason?: string;
}

/** A run that has been stopped, and its status before. */
export interface StoppedRun {
  run_id: string;
  was: 'pending' | 'running';
}

/** The columns of an ended run that its thread depends on. */
type EndedRun = Pick<RunEntity, 'run_id' | 'error'> & { status: LastRunStatus };

/** The last executed run of thread $1. */
const LAST_ENDED = `
  runs WHERE thread_id = $1 AND status NOT IN ('pending', 'running') AND attempt > 0
  ORDER BY created_at DESC, run_id DESC LIMIT 1`;

const ACTIVE_RUNS = `
  SELECT run_id, status AS was, updated_at AS changed_at, ${CALLED_BY} AS called_by FROM runs
  WHERE thread_id = $1 AND status IN ('pending', 'running') AND ($2::uuid[] IS NULL OR run_id = ANY($2)) FOR UPDATE`;

const INTERRUPT = `
  WITH target AS (${ACTIVE_RUNS}), run AS (
    UPDATE runs SET status = 'interrupted', caller = NULL, lease_token = NULL, lease_until = NULL,
           cancel_reason = coalesce(cancel_reason, $3), updated_at = clock_timestamp()
    FROM target, threads WHERE runs.run_id = target.run_id AND threads.thread_id = $1
    RETURNING runs.*, target.was, target.called_by, CASE target.was WHEN 'running' THEN target.changed_at END AS run_started_at,
              threads.hidden, threads.values AS state, target.was = 'running' AS read_state
  ), webhook AS (${queueWebhooks('run')})
  SELECT run_id, was FROM run`;

const DELETE_ACTIVE = `
  WITH target AS (${ACTIVE_RUNS})
  DELETE FROM runs USING target WHERE runs.run_id = target.run_id RETURNING runs.run_id, target.was`;

/**
 * Stops runs from outside of their worker: requests their cancellation, or ends or deletes them and removes their
 * leases. Each statement documents the race it settles. All steps are in `cancel/interrupt.ts` and `cancel/rollback.ts`.
 */
@Injectable()
export class RunStops {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Ends active runs of a thread: all of them, or those in `run_ids`. The caller has locked the thread, so no run is
   * created or ends meanwhile. The statement removes the leases: it waits for a checkpoint that is just being written,
   * and later writes of the graphs are discarded. It queues the webhooks of the runs.
   */
  async interrupt(db: Queryable, thread_id: string, run_ids?: string[], reason?: string): Promise<StoppedRun[]> {
    return (await db.query<StoppedRun>(INTERRUPT, [thread_id, run_ids ?? null, reason ?? null])).rows;
  }

  /** Deletes active runs of a thread, under the same conditions as {@link interrupt}. No webhook is sent. */
  async deleteRuns(db: Queryable, thread_id: string, run_ids?: string[]): Promise<StoppedRun[]> {
    return (await db.query<StoppedRun>(DELETE_ACTIVE, [thread_id, run_ids ?? null])).rows;
  }

  /** Deletes the checkpoints and writes of deleted runs. */
  async deleteCheckpoints(db: Queryable, thread_id: string, runs: StoppedRun[]): Promise<void> {
    await db.query(DELETE_RUNS, [[thread_id], runs.map(({ run_id }) => run_id)]);
  }

  /**
   * Updates the thread after {@link interrupt} or {@link deleteRuns}. It belongs to its newest remaining run. Without one, it is idle if a running
   * run has been interrupted; otherwise it gets back the status it had before the stopped runs.
   */
  async releaseThread(
    db: Queryable,
    thread_id: string,
    { interrupted, retentionMs }: { interrupted: boolean; retentionMs: number },
  ): Promise<void> {
    const status = statusAfterRunSql('threads', {
      isLast: 'newest.run_id IS NULL',
      left: `CASE WHEN $2 THEN 'idle' END`,
    });
    await db.query(
      `UPDATE threads SET newest_run_id = newest.run_id, updated_at = clock_timestamp(),
              status = ${status},
              error = CASE WHEN $2 THEN NULL ELSE error END,
              expires_at = CASE WHEN hidden AND newest.run_id IS NULL THEN ${inMs('$3')} ELSE expires_at END
       FROM (SELECT (SELECT run_id FROM runs WHERE thread_id = $1 AND status IN ('pending', 'running')
                     ORDER BY due_at DESC, run_id DESC LIMIT 1)) AS newest (run_id)
       WHERE thread_id = $1`,
      [thread_id, interrupted, retentionMs],
    );
  }

  /** Marks those of these runs that are running as to be cancelled, with the reason. Returns their ids. */
  async requestCancel(thread_id: string, run_ids: string[], reason?: string): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `UPDATE runs SET cancel_requested_at = clock_timestamp(), cancel_reason = coalesce(cancel_reason, $3)
       WHERE thread_id = $1 AND run_id = ANY($2) AND status = 'running' RETURNING run_id`,
      [thread_id, run_ids, reason ?? null],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /**
   * Running runs whose cancellation was requested more than `ms` ago: the process that would have stopped them is gone.
   * By thread.
   */
  async findOverdueCancels(ms: number): Promise<Map<string, string[]>> {
    const { rows } = await this.sql.query<{ thread_id: string; run_ids: string[] }>(
      `SELECT thread_id, array_agg(run_id) AS run_ids FROM runs
       WHERE status = 'running' AND cancel_requested_at < ${inMs('-$1')} GROUP BY thread_id LIMIT 100`,
      [ms],
    );
    return byThread(rows);
  }

  /** The running run of a thread, if any. */
  async findRunningOn(thread_id: string): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `SELECT run_id FROM runs WHERE thread_id = $1 AND status = 'running'`,
      [thread_id],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /** Active runs with these statuses, by thread, oldest first; at most `limit`. */
  async findActive(
    statuses: readonly RunStatus[],
    limit: number,
    visible?: AuthFilter,
  ): Promise<Map<string, string[]>> {
    const parameters = new SqlParameters();
    const isVisible = visible
      ? `AND EXISTS (SELECT FROM threads WHERE threads.thread_id = runs.thread_id
           AND ${filterSql(visible, 'threads.metadata', (value) => parameters.add(value))})`
      : '';
    const { rows } = await this.sql.query<{ thread_id: string; run_ids: string[] }>(
      `SELECT thread_id, array_agg(run_id) AS run_ids FROM (
         SELECT thread_id, run_id FROM runs
         WHERE status IN ('pending', 'running') AND status = ANY(${parameters.add(statuses)}) ${isVisible}
         ORDER BY created_at LIMIT ${parameters.add(limit)}) AS active
       GROUP BY thread_id`,
      parameters.values,
    );
    return byThread(rows);
  }

  /** The last executed run of a thread. */
  async lastEnded(db: Queryable, thread_id: string): Promise<EndedRun | undefined> {
    const { rows } = await db.query<EndedRun>(`SELECT run_id, status, error FROM ${LAST_ENDED}`, [thread_id]);
    return rows.at(0);
  }

  /** Stamps the graph of the last executed run on its thread, after the newest run was deleted or never executed. */
  async stampAsLastRun(db: Queryable, thread_id: string): Promise<void> {
    await db.query(
      `UPDATE threads SET metadata = threads.metadata || jsonb_build_object(
                'graph_id', last.kwargs -> 'config' -> 'configurable' ->> 'graph_id', 'assistant_id', last.assistant_id)
       FROM (SELECT * FROM ${LAST_ENDED}) AS last WHERE threads.thread_id = $1`,
      [thread_id],
    );
  }
}

const byThread = (rows: { thread_id: string; run_ids: string[] }[]): Map<string, string[]> =>
  new Map(rows.map(({ thread_id, run_ids }) => [thread_id, run_ids]));

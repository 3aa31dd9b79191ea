import { idleStatusSql } from '../../threads/index.js';
import { inMs } from './in-ms.js';
import { queueWebhooks } from './webhook-outbox.js';

// The statements with which RunQueue ends runs. Each one ends the run, updates its thread and queues its webhook.

/** A run may have ended by itself before its cancellation took effect: it then has no cancel reason. */
const KEEP_REASON = `cancel_reason = CASE WHEN $4 = 'interrupted' THEN cancel_reason END`;

/** The columns that the end of a run returns, and what the same statement does with them. */
interface Ended {
  columns: string;
  then: string;
}

/**
 * The caller whose permission is checked again when the webhook is sent. Headers are left out: only the graph gets
 * them.
 */
const CALLED_BY = `CASE WHEN caller -> 'user' IS NOT NULL
  THEN json_build_object('user', caller -> 'user', 'request', caller -> 'request') END`;

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
    status = CASE WHEN run.is_newest THEN coalesce($6, ${idleStatusSql('threads')}) ELSE 'busy' END,
    values = coalesce($7::json, values), interrupts = coalesce($8::json, interrupts),
    error = CASE WHEN $6::text IS NULL THEN threads.error ELSE $5 END, updated_at = clock_timestamp(),
    state_updated_at = CASE WHEN $6::text IS NULL THEN state_updated_at ELSE clock_timestamp() END
  FROM run WHERE threads.thread_id = run.thread_id
  RETURNING NOT run.is_newest AS more`;

export const FINISH = finish(WITHOUT_WEBHOOK);
export const FINISH_WITH_WEBHOOK = finish(
  withWebhook({ hidden: false }, 'coalesce($7::json, thread.values)', '$7 IS NULL'),
);

const finishTemporary = ({ columns, then }: Ended): string => `
  WITH run AS (
    UPDATE runs SET status = $4, error = $5, output = $6, caller = NULL, lease_token = NULL, lease_until = NULL,
           ${KEEP_REASON}, updated_at = clock_timestamp()
    WHERE run_id = $1 AND lease_token = $3 RETURNING ${columns}
  ) ${then}
  UPDATE threads SET newest_run_id = NULL, status = 'idle', expires_at = ${inMs('$7')}
  FROM run WHERE threads.thread_id = $2 RETURNING run.thread_id`;

export const FINISH_TEMPORARY = finishTemporary(WITHOUT_WEBHOOK);
export const FINISH_TEMPORARY_WITH_WEBHOOK = finishTemporary(withWebhook({ hidden: true }, '$8::json', 'false'));

const ACTIVE_RUNS = `
  SELECT run_id, status AS was, updated_at AS changed_at, ${CALLED_BY} AS called_by FROM runs
  WHERE thread_id = $1 AND status IN ('pending', 'running') AND ($2::uuid[] IS NULL OR run_id = ANY($2)) FOR UPDATE`;

export const INTERRUPT = `
  WITH target AS (${ACTIVE_RUNS}), run AS (
    UPDATE runs SET status = 'interrupted', caller = NULL, lease_token = NULL, lease_until = NULL,
           cancel_reason = coalesce(cancel_reason, $3), updated_at = clock_timestamp()
    FROM target, threads WHERE runs.run_id = target.run_id AND threads.thread_id = $1
    RETURNING runs.*, target.was, target.called_by, CASE target.was WHEN 'running' THEN target.changed_at END AS run_started_at,
              threads.hidden, threads.values AS state, target.was = 'running' AS read_state
  ), webhook AS (${queueWebhooks('run')})
  SELECT run_id, was FROM run`;

export const ROLL_BACK = `
  WITH target AS (${ACTIVE_RUNS})
  DELETE FROM runs USING target WHERE runs.run_id = target.run_id RETURNING runs.run_id, target.was`;

import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import type { RunCaller } from '../run-caller.js';
import { inMs } from './in-ms.js';

/** A webhook that this process has claimed for one attempt. */
export interface Delivery {
  run_id: string;
  /** Absent for a stateless run. */
  thread_id: string | null;
  /** As the run's creator gave it: it may contain credentials and must not be logged. */
  url: string;
  /** Host and port; empty for a path of this server. */
  target: string;
  /** JSON of what is sent, but for the state and the time of sending. */
  payload: string;
  /** JSON of the state; null when there is none. */
  state: string | null;
  /** The run was stopped from outside: its last checkpoint has a newer state, if it wrote any. */
  read_state: boolean;
  /** On whose behalf the run was, and what was decided about; null without authentication. */
  caller: Pick<RunCaller, 'user' | 'request'> | null;
  /** This one included. */
  attempts: number;
  /** Every later change presents it. */
  lease_token: string;
}

/** How much may be claimed. */
export interface ClaimLimits {
  deliveries: number;
  /** Of one target, those under way in this process included. */
  per_target: number;
  /** Deliveries under way in this process, by target. */
  under_way: ReadonlyMap<string, number>;
  /** Whether this process can call paths of this server: a worker does not listen. */
  own_paths: boolean;
  lease_ms: number;
  max_attempts: number;
}

/** A moment as the API writes it. */
const asText = (moment: string): string => `to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const PAYLOAD_FIELDS = `
  'run_id', run_id, 'thread_id', thread_id, 'assistant_id', assistant_id, 'created_at', ${asText('created_at')},
  'updated_at', ${asText('updated_at')}, 'status', status, 'metadata', metadata, 'kwargs', kwargs,
  'multitask_strategy', multitask_strategy, 'cancel_reason', cancel_reason, 'run_started_at', ${asText('run_started_at')},
  'run_ended_at', ${asText('updated_at')}`;

/**
 * The part of a statement that ends runs which queues their webhooks: a run that has ended has its webhook in the table,
 * whatever happens next. `ended` has the columns of the runs as they are now, `run_started_at`, `hidden` (whether the
 * thread is), `called_by`, `state` and `read_state`. The payload is composed here, to the letter and complete: the run may be deleted
 * at any time.
 */
export const queueWebhooks = (ended: string): string => `
  INSERT INTO webhook_deliveries (run_id, thread_id, url, payload, state, read_state, caller)
  SELECT run_id, CASE WHEN NOT hidden THEN thread_id END, webhook,
         CASE WHEN error IS NULL THEN json_build_object(${PAYLOAD_FIELDS})
              ELSE json_build_object(${PAYLOAD_FIELDS}, 'error', error) END,
         state::json, read_state, called_by
  FROM ${ended} WHERE webhook IS NOT NULL`;

/** The outbox's SQL: every method is one statement. Whoever has lost the lease of a delivery changes nothing. */
@Injectable()
export class WebhookOutbox {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Claims due deliveries, oldest first, but no more of one target than it may have: thousands for a dead receiver do
   * not delay the one for another, and are not even looked at, because the index is entered once per target. SKIP
   * LOCKED: two processes never get the same delivery. The lease is in `due_at`: what a crashed process had claimed is
   * due again when it has passed.
   */
  async claim(limits: ClaimLimits): Promise<Delivery[]> {
    const { deliveries, per_target, under_way, own_paths, lease_ms, max_attempts } = limits;
    const { rows } = await this.sql.query<Delivery>(
      `WITH RECURSIVE targets AS (
         (SELECT target FROM webhook_deliveries WHERE failed_at IS NULL ORDER BY target LIMIT 1)
         UNION ALL
         SELECT next.target FROM targets, LATERAL (
           SELECT target FROM webhook_deliveries WHERE failed_at IS NULL AND target > targets.target
           ORDER BY target LIMIT 1) AS next
       ), due AS MATERIALIZED (
         SELECT d.run_id FROM targets
         LEFT JOIN unnest($3::text[], $4::integer[]) AS busy (target, count) ON busy.target = targets.target
         CROSS JOIN LATERAL (
           SELECT run_id, due_at FROM webhook_deliveries
           WHERE target = targets.target AND failed_at IS NULL AND due_at <= clock_timestamp() AND attempts < $6
           ORDER BY due_at LIMIT greatest($2 - coalesce(busy.count, 0), 0) FOR UPDATE SKIP LOCKED) AS d
         WHERE $5 OR targets.target <> ''
         ORDER BY d.due_at LIMIT $1
       )
       UPDATE webhook_deliveries SET attempts = attempts + 1, lease_token = gen_random_uuid(), due_at = ${inMs('$7')}
       WHERE run_id IN (SELECT run_id FROM due)
       RETURNING run_id, thread_id, url, target, payload::text, state::text, read_state, caller, attempts, lease_token`,
      [deliveries, per_target, [...under_way.keys()], [...under_way.values()], own_paths, max_attempts, lease_ms],
    );
    return rows;
  }

  /** The receiver has it. */
  async remove(delivery: Delivery): Promise<void> {
    await this.sql.query('DELETE FROM webhook_deliveries WHERE run_id = $1 AND lease_token = $2', keyOf(delivery));
  }

  /** Another attempt after so many milliseconds. */
  async retry(delivery: Delivery, delayMs: number, reason: string): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, due_at = ${inMs('$3')}, last_error = $4
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), Math.round(delayMs), reason],
    );
  }

  /** No further attempt. */
  async fail(delivery: Delivery, reason: string): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, caller = NULL, failed_at = clock_timestamp(), last_error = $3
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), reason],
    );
  }

  /** Gives a delivery back as if this attempt had never been: the process stops. */
  async release(delivery: Delivery): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, due_at = clock_timestamp(), attempts = attempts - 1
       WHERE run_id = $1 AND lease_token = $2`,
      keyOf(delivery),
    );
  }

  /** The state has been found out; undefined when what is there is all there is. Later attempts send the same. */
  async keepState(delivery: Delivery, state: string | undefined): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET read_state = false, state = coalesce($3::json, state)
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), state ?? null],
    );
  }

  /** Deliveries whose process died in their last attempt have failed, too. */
  async failAbandoned(maxAttempts: number): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, caller = NULL, failed_at = clock_timestamp(),
              last_error = 'The process that was sending it stopped.'
       WHERE failed_at IS NULL AND attempts >= $1 AND due_at < clock_timestamp()`,
      [maxAttempts],
    );
  }

  /**
   * Removes failed deliveries after a while, and without delay when their thread has been deleted: what it held is to be
   * gone. In batches; gives the number of those removed.
   */
  async removeFailed(limit: number, retentionMs: number): Promise<number> {
    const { rows } = await this.sql.query(
      `DELETE FROM webhook_deliveries WHERE run_id IN (
         SELECT run_id FROM webhook_deliveries d
         WHERE failed_at IS NOT NULL AND (
           failed_at < clock_timestamp() - $2::bigint * interval '1 millisecond'
           OR thread_id IS NOT NULL AND NOT EXISTS (SELECT FROM threads WHERE threads.thread_id = d.thread_id))
         ORDER BY failed_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING run_id`,
      [limit, retentionMs],
    );
    return rows.length;
  }
}

const keyOf = ({ run_id, lease_token }: Delivery): [string, string] => [run_id, lease_token];

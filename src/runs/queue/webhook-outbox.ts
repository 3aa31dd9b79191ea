import { Inject, Injectable } from '@nestjs/common';
import { type Queryable, Sql } from '../../database/index.js';
import type { RunCaller } from '../run.entity.js';
import { inMs } from './in-ms.js';

/** A webhook delivery that this process has claimed for one attempt. */
export interface Delivery {
  run_id: string;
  /** Absent for a stateless run. */
  thread_id: string | null;
  /** As the client sent it: it may contain credentials and must not be logged. */
  url: string;
  /** Host and port; empty for a path of this server. */
  target: string;
  /** JSON of the body, without the state and `webhook_sent_at`. */
  payload: string;
  /** JSON of the state; null without one. */
  state: string | null;
  /** The run was stopped from outside: if it wrote a checkpoint, that holds a newer state. */
  read_state: boolean;
  /** The caller of the run and the request that was authorised; null without authentication. */
  caller: Pick<RunCaller, 'user' | 'request'> | null;
  /** Includes this attempt. */
  attempts: number;
  /** Fencing token: every later write for the delivery must present it. */
  lease_token: string;
}

/** Limits of one claim. */
export interface ClaimLimits {
  deliveries: number;
  /** Per target, including those in flight in this process. */
  per_target: number;
  /** Deliveries in flight in this process, by target. */
  in_flight: ReadonlyMap<string, number>;
  /** Whether this process can call paths of this server. A worker does not listen and cannot. */
  own_paths: boolean;
  lease_ms: number;
  max_attempts: number;
}

/** SQL for a timestamp in the format of the API. */
const isoTimestamp = (moment: string): string =>
  `to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const PAYLOAD_FIELDS = `
  'run_id', run_id, 'thread_id', thread_id, 'assistant_id', assistant_id, 'created_at', ${isoTimestamp('created_at')},
  'updated_at', ${isoTimestamp('updated_at')}, 'status', status, 'metadata', metadata, 'kwargs', kwargs,
  'multitask_strategy', multitask_strategy, 'cancel_reason', cancel_reason, 'run_started_at', ${isoTimestamp('run_started_at')},
  'run_ended_at', ${isoTimestamp('updated_at')}`;

/**
 * The caller whose permission is checked again when the webhook is sent. Headers are left out: only the graph gets
 * them.
 */
export const CALLED_BY = `CASE WHEN caller -> 'user' IS NOT NULL
  THEN json_build_object('user', caller -> 'user', 'request', caller -> 'request') END`;

/**
 * Transactional outbox: the part of a statement that queues the webhooks of the runs it ends. Every ended run has its
 * webhook in the table, whatever happens next. `ended` has the new columns of the runs, `run_started_at`, `hidden` (of
 * the thread), `called_by`, `state` and `read_state`. The payload is complete, because the run may be deleted at any
 * time.
 */
export const queueWebhooks = (ended: string): string => `
  INSERT INTO webhook_deliveries (run_id, thread_id, url, payload, state, read_state, caller)
  SELECT run_id, CASE WHEN NOT hidden THEN thread_id END, webhook,
         CASE WHEN error IS NULL THEN json_build_object(${PAYLOAD_FIELDS})
              ELSE json_build_object(${PAYLOAD_FIELDS}, 'error', error) END,
         state::json, read_state, called_by
  FROM ${ended} WHERE webhook IS NOT NULL`;

/**
 * The SQL of the outbox. Each method is one statement. A process that has lost the lease of a delivery changes nothing.
 */
@Injectable()
export class WebhookOutbox {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Claims due deliveries, oldest first, up to the limit per target. Thousands of deliveries to a dead receiver neither
   * delay those to others nor are read, because the statement enters the index once per target. SKIP LOCKED: two
   * processes never get the same delivery. `due_at` is the lease: the deliveries of a crashed process are due again
   * once it has passed.
   */
  async claim(limits: ClaimLimits): Promise<Delivery[]> {
    const { deliveries, per_target, in_flight, own_paths, lease_ms, max_attempts } = limits;
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
      [deliveries, per_target, [...in_flight.keys()], [...in_flight.values()], own_paths, max_attempts, lease_ms],
    );
    return rows;
  }

  /** Removes a delivered webhook. */
  async remove(delivery: Delivery): Promise<void> {
    await this.sql.query('DELETE FROM webhook_deliveries WHERE run_id = $1 AND lease_token = $2', keyOf(delivery));
  }

  /** Schedules another attempt in `delayMs`. */
  async retry(delivery: Delivery, delayMs: number, reason: string): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, due_at = ${inMs('$3')}, last_error = $4
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), Math.round(delayMs), reason],
    );
  }

  /** Marks a delivery as failed: no further attempt. */
  async fail(delivery: Delivery, reason: string): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, caller = NULL, failed_at = clock_timestamp(), last_error = $3
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), reason],
    );
  }

  /** Releases a delivery at shutdown so that another process can claim it. The attempt is not counted. */
  async release(delivery: Delivery): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, due_at = clock_timestamp(), attempts = attempts - 1
       WHERE run_id = $1 AND lease_token = $2`,
      keyOf(delivery),
    );
  }

  /** Stores the final state for later attempts; undefined keeps the stored one. */
  async keepState(delivery: Delivery, state: string | undefined): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET read_state = false, state = coalesce($3::json, state)
       WHERE run_id = $1 AND lease_token = $2`,
      [...keyOf(delivery), state ?? null],
    );
  }

  /** Marks deliveries as failed whose process died during their last attempt. */
  async failAbandoned(maxAttempts: number): Promise<void> {
    await this.sql.query(
      `UPDATE webhook_deliveries SET lease_token = NULL, caller = NULL, failed_at = clock_timestamp(),
              last_error = 'The process that was sending it stopped.'
       WHERE failed_at IS NULL AND attempts >= $1 AND due_at < clock_timestamp()`,
      [maxAttempts],
    );
  }

  /**
   * Removes one batch of failed deliveries: after the retention, and at once when their thread has been deleted,
   * because they hold its data. Returns how many it has removed.
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

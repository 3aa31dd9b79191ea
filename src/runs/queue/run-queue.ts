import { Inject, Injectable } from '@nestjs/common';
import { type AuthFilter, filterSql } from '../../auth/index.js';
import { toJsonb } from '../../common/index.js';
import { type Queryable, Sql, SqlParameters } from '../../database/index.js';
import { DELETE_RUNS } from '../../execution/index.js';
import { deleteStreams } from '../../streams/index.js';
import { idleStatusSql, type LastRunStatus, type ThreadTtl } from '../../threads/index.js';
import type { RunField } from '../dto/run.dto.js';
import type { RunEntity, RunStatus, ThreadStamp } from '../run.entity.js';
import {
  FINISH,
  FINISH_TEMPORARY,
  FINISH_TEMPORARY_WITH_WEBHOOK,
  FINISH_WITH_WEBHOOK,
  INTERRUPT,
  ROLL_BACK,
} from './ending-sql.js';
import { UNKNOWN_CALLER } from './caller-key.js';
import { CLAIMED_COLUMNS, IS_HEAD_OF_THREAD } from './claim-sql.js';
import { inMs } from './in-ms.js';
import type { ClaimedRun, NewRun, RunEnd, RunThread, StoppedRun, Stopping } from './queued-run.js';

type RunRow = Pick<RunEntity, RunField>;

/** The columns of an ended run that its thread depends on. */
type EndedRun = Pick<RunEntity, 'run_id' | 'error'> & { status: LastRunStatus };

const RUN_COLUMNS =
  'run_id, thread_id, assistant_id, created_at, updated_at, status, metadata, kwargs, multitask_strategy, cancel_reason';

const FIND_THREAD = `
  SELECT metadata, config, interrupts, newest_run_id, updated_at::text AS stamp FROM threads
  WHERE thread_id = $1 AND NOT hidden`;

const ASSISTANT_UNCHANGED = `($12::text IS NULL
  OR EXISTS (SELECT FROM assistants WHERE assistant_id = $3::uuid AND xmin::text = $12))`;

/** Values of the three TTL columns of a thread. They use two parameters; the first one is number `at`. */
const ttlValues = (at: number): string =>
  `$${at}::float8, $${at + 1}::text, clock_timestamp() + $${at}::float8 * interval '1 minute'`;

/**
 * More than any run meets in rolling deployments, and finite: a graph that always stops its own process runs out of
 * retries.
 */
const MAX_UNCOUNTED_RELEASES = 100;

/** Runs of earlier versions have stored feedback links only. */
const HAS_RESULT = `output IS NOT NULL AND (kwargs ->> 'temporary' = 'true' OR output -> 'result' IS NOT NULL)`;

/** The last executed run of thread $1. */
const LAST_ENDED = `
  runs WHERE thread_id = $1 AND status NOT IN ('pending', 'running') AND attempt > 0
  ORDER BY created_at DESC, run_id DESC LIMIT 1`;

/**
 * Inserts a run, if the CTE `thread` has a row. With a lease token in $7 the run is running at once. Otherwise it is
 * due after $9 milliseconds, and its `created_at` is that time (behaviours 4.13). Runs that become due within $16
 * milliseconds after it are claimed first.
 */
const INSERT_RUN = `
  INSERT INTO runs (run_id, thread_id, assistant_id, kwargs, metadata, multitask_strategy,
                    lease_token, due_at, created_at, turn_at, webhook, caller, on_thread, delivery,
                    on_disconnect, caller_key, is_delayed, status, attempt, lease_until)
  SELECT $1::uuid, $2::uuid, $3::uuid, $4::json, $5::jsonb, $6::text, $7::uuid, due.at, due.at,
         due.at + $16::float8 * interval '1 millisecond', $10::text,
         $11::json, $13::jsonb, $14::text, $15::text, $17::uuid, $7::uuid IS NULL AND $9::float8 > 0,
         CASE WHEN $7::uuid IS NULL THEN 'pending' ELSE 'running' END, CASE WHEN $7::uuid IS NULL THEN 0 ELSE 1 END,
         CASE WHEN $7::uuid IS NULL THEN NULL ELSE ${inMs('$8')} END
  FROM thread, (SELECT ${inMs('$9')}) AS due (at) RETURNING ${RUN_COLUMNS}`;

/**
 * The SQL of the queue. The table `runs` is the queue; each method is one statement and documents the race it settles.
 *
 * Fencing: a claim gives the run a new `lease_token`, and every write of a worker is conditional on that token. A stale
 * worker, whose lease another process has taken over, changes nothing.
 */
@Injectable()
export class RunQueue {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Locks a thread until the caller's transaction ends. This serialises runs that are created concurrently on one
   * thread, also with a run that is just ending.
   */
  async lockThread(db: Queryable, thread_id: string): Promise<RunThread | undefined> {
    const { rows } = await db.query<RunThread>(`${FIND_THREAD} FOR UPDATE`, [thread_id]);
    return rows[0];
  }

  /** Reads a thread without a lock. {@link insert} checks that it has not changed since. */
  async findThread(thread_id: string): Promise<RunThread | undefined> {
    const { rows } = await this.sql.query<RunThread>(FIND_THREAD, [thread_id]);
    return rows[0];
  }

  /** Creates a thread for a run; false when a concurrent request has created it first. */
  async insertThread(db: Queryable, thread_id: string, ttl?: ThreadTtl): Promise<boolean> {
    const { rows } = await db.query(
      `INSERT INTO threads (thread_id, ttl_minutes, ttl_strategy, expires_at) VALUES ($1, ${ttlValues(2)})
       ON CONFLICT DO NOTHING RETURNING thread_id`,
      [thread_id, ttl?.minutes ?? null, ttl?.strategy ?? null],
    );
    return rows.length > 0;
  }

  /**
   * The stamp that the newest run of a locked thread will write to it, absent when the run started at once; and the
   * number of pending runs on the thread, counted up to `max`.
   */
  async findQueueTail(
    db: Queryable,
    thread_id: string,
    { newest_run_id }: RunThread,
    max: number,
  ): Promise<{ stamp?: ThreadStamp; waiting: number }> {
    const { rows } = await db.query<{ on_thread: ThreadStamp | null; waiting: number }>(
      `SELECT (SELECT on_thread FROM runs WHERE run_id = $1) AS on_thread,
              (SELECT count(*)::integer FROM (
                 SELECT FROM runs WHERE thread_id = $2 AND status = 'pending' LIMIT $3) AS line) AS waiting`,
      [newest_run_id, thread_id, max],
    );
    const [{ on_thread, waiting }] = rows;
    return { stamp: on_thread ?? undefined, waiting };
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

  async isRunning(thread_id: string, run_id: string): Promise<boolean> {
    const { rows } = await this.sql.query(
      `SELECT FROM runs WHERE run_id = $1 AND thread_id = $2 AND status = 'running'`,
      [run_id, thread_id],
    );
    return rows.length > 0;
  }

  /** Finds a run whose insert may have been committed although the COMMIT outcome is unknown. */
  async findInserted(db: Queryable, run_id: string): Promise<RunRow | undefined> {
    const { rows } = await db.query<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = $1`, [run_id]);
    return rows.at(0);
  }

  /**
   * Inserts a run on a thread that the caller has locked, or on an idle thread that still has this `stamp`. `lease`
   * starts the run at once. Undefined when the thread or the assistant has changed.
   */
  async insert(
    db: Queryable,
    run: NewRun,
    thread: Partial<ThreadStamp>,
    lease?: { token: string; ms: number },
    stamp?: string,
  ): Promise<RunRow | undefined> {
    const { rows } = await db.query<RunRow>(
      `WITH thread AS (
         UPDATE threads SET status = 'busy', metadata = metadata || coalesce($18::jsonb, '{}'),
                config = coalesce($19::jsonb, config), updated_at = clock_timestamp(),
                newest_run_id = CASE WHEN EXISTS (
                  SELECT FROM runs later
                  WHERE later.run_id = newest_run_id AND later.status = 'pending' AND later.due_at > ${inMs('$9')}
                ) THEN newest_run_id ELSE $1 END
         WHERE thread_id = $2 AND NOT hidden
           AND ($20::timestamptz IS NULL OR newest_run_id IS NULL AND updated_at = $20) AND ${ASSISTANT_UNCHANGED}
         RETURNING thread_id
       ) ${INSERT_RUN}`,
      [...values(run, lease), jsonbOrNull(thread.metadata), jsonbOrNull(thread.config), stamp ?? null],
    );
    return rows.at(0);
  }

  /**
   * Creates a thread and its run in one statement. Undefined when the thread exists already or the assistant has
   * changed.
   */
  async insertWithThread(
    db: Queryable,
    run: NewRun,
    thread: ThreadStamp & { hidden: boolean; ttl?: ThreadTtl },
    lease?: { token: string; ms: number },
  ): Promise<RunRow | undefined> {
    const { rows } = await db.query<RunRow>(
      `WITH thread AS (
         INSERT INTO threads (thread_id, status, newest_run_id, hidden, metadata, config,
                              ttl_minutes, ttl_strategy, expires_at)
         SELECT $2::uuid, 'busy', $1::uuid, $18::boolean, $19::jsonb, $20::jsonb, ${ttlValues(21)} WHERE ${ASSISTANT_UNCHANGED}
         ON CONFLICT DO NOTHING RETURNING thread_id
       ) ${INSERT_RUN}`,
      [
        ...values(run, lease),
        thread.hidden,
        toJsonb(thread.metadata),
        toJsonb(thread.config),
        thread.ttl?.minutes ?? null,
        thread.ttl?.strategy ?? null,
      ],
    );
    return rows.at(0);
  }

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

  /**
   * Stops active runs of a thread: all of them, or those in `run_ids`. The caller has locked the thread, so no run is
   * created or ends meanwhile. The statement removes the leases: it waits for a checkpoint that is just being written,
   * and later writes of the graphs are discarded. With `rollback` the runs and their checkpoints are deleted and no
   * webhook is sent. See `RunStopService` for all steps.
   */
  async stop(
    db: Queryable,
    thread_id: string,
    run_ids: string[] | undefined,
    { action, reason }: Stopping,
  ): Promise<StoppedRun[]> {
    const target = [thread_id, run_ids ?? null];
    if (action === 'interrupt') {
      return (await db.query<StoppedRun>(INTERRUPT, [...target, reason ?? null])).rows;
    }
    const { rows } = await db.query<StoppedRun>(ROLL_BACK, target);
    if (rows.length > 0) {
      await db.query(DELETE_RUNS, [[thread_id], rows.map(({ run_id }) => run_id)]);
    }
    return rows;
  }

  /**
   * Updates the thread after {@link stop}. It belongs to its newest remaining run. Without one, it is idle if a running
   * run has been interrupted; otherwise it gets back the status it had before the stopped runs.
   */
  async releaseThread(
    db: Queryable,
    thread_id: string,
    { interrupted, retentionMs }: { interrupted: boolean; retentionMs: number },
  ): Promise<void> {
    await db.query(
      `UPDATE threads SET newest_run_id = newest.run_id, updated_at = clock_timestamp(),
              status = CASE WHEN newest.run_id IS NOT NULL THEN 'busy' WHEN $2 THEN 'idle' ELSE ${idleStatusSql('threads')} END,
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

const byThread = (rows: { thread_id: string; run_ids: string[] }[]): Map<string, string[]> =>
  new Map(rows.map(({ thread_id, run_ids }) => [thread_id, run_ids]));

const values = (run: NewRun, lease: { token: string; ms: number } | undefined): unknown[] => [
  run.run_id,
  run.thread_id,
  run.assistant_id,
  JSON.stringify(run.kwargs),
  toJsonb(run.metadata),
  run.multitask_strategy,
  lease?.token ?? null,
  lease?.ms ?? 0,
  run.delay_ms,
  run.kwargs.webhook ?? null,
  run.caller && JSON.stringify(run.caller),
  run.assistant_stamp ?? null,
  jsonbOrNull(run.on_thread),
  run.delivery,
  run.on_disconnect,
  run.priority_delay_ms ?? 0,
  run.caller_key ?? UNKNOWN_CALLER,
];

const jsonbOrNull = (value: object | undefined): string | null => (value ? toJsonb(value) : null);

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

/** A run that has ended, as far as its thread depends on it. */
type EndedRun = Pick<RunEntity, 'run_id' | 'error'> & { status: LastRunStatus };

const RUN_COLUMNS =
  'run_id, thread_id, assistant_id, created_at, updated_at, status, metadata, kwargs, multitask_strategy, cancel_reason';

const FIND_THREAD = `
  SELECT metadata, config, interrupts, newest_run_id, updated_at::text AS stamp FROM threads
  WHERE thread_id = $1 AND NOT hidden`;

const ASSISTANT_UNCHANGED = `($12::text IS NULL
  OR EXISTS (SELECT FROM assistants WHERE assistant_id = $3::uuid AND xmin::text = $12))`;

/** Values of the three columns that make a thread go some day; the first of two parameters is number `at`. */
const ttlValues = (at: number): string =>
  `$${at}::float8, $${at + 1}::text, clock_timestamp() + $${at}::float8 * interval '1 minute'`;

/** More than any run meets in deployments; a graph that stops its own process each time comes to an end. */
const MAX_UNCOUNTED_RELEASES = 100;

/** Runs of earlier versions have stored links for feedback alone. */
const HAS_RESULT = `output IS NOT NULL AND (kwargs ->> 'temporary' = 'true' OR output -> 'result' IS NOT NULL)`;

/** The run that was executed last on thread $1. */
const LAST_ENDED = `
  runs WHERE thread_id = $1 AND status NOT IN ('pending', 'running') AND attempt > 0
  ORDER BY created_at DESC, run_id DESC LIMIT 1`;

/**
 * Puts a run into the queue, if there is a `thread` for it: running at once when $7 is a lease token, due after $9
 * milliseconds otherwise, and created in that moment (behaviours 4.13). Others that are due within $16 milliseconds after
 * it have their turn first.
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

/** The queue's SQL. The table is the queue; every method is one statement and says which race it settles. */
@Injectable()
export class RunQueue {
  constructor(@Inject(Sql) private readonly sql: Queryable) {}

  /**
   * Locks a thread until the caller's transaction ends: two runs created at the same time on one thread follow one
   * another, and neither overtakes a run that is just ending.
   */
  async lockThread(db: Queryable, thread_id: string): Promise<RunThread | undefined> {
    const { rows } = await db.query<RunThread>(`${FIND_THREAD} FOR UPDATE`, [thread_id]);
    return rows[0];
  }

  /** The thread as it is now; {@link insert} can tell whether it still is. */
  async findThread(thread_id: string): Promise<RunThread | undefined> {
    const { rows } = await this.sql.query<RunThread>(FIND_THREAD, [thread_id]);
    return rows[0];
  }

  /** Makes a thread for a run; false when somebody else has just made it. */
  async insertThread(db: Queryable, thread_id: string, ttl?: ThreadTtl): Promise<boolean> {
    const { rows } = await db.query(
      `INSERT INTO threads (thread_id, ttl_minutes, ttl_strategy, expires_at) VALUES ($1, ${ttlValues(2)})
       ON CONFLICT DO NOTHING RETURNING thread_id`,
      [thread_id, ttl?.minutes ?? null, ttl?.strategy ?? null],
    );
    return rows.length > 0;
  }

  /**
   * What the newest run of a locked thread leaves on it when it begins, absent when it has begun at once; and how many runs
   * wait there, counted no further than `most`.
   */
  async findLastInLine(
    db: Queryable,
    thread_id: string,
    { newest_run_id }: RunThread,
    most: number,
  ): Promise<{ stamp?: ThreadStamp; waiting: number }> {
    const { rows } = await db.query<{ on_thread: ThreadStamp | null; waiting: number }>(
      `SELECT (SELECT on_thread FROM runs WHERE run_id = $1) AS on_thread,
              (SELECT count(*)::integer FROM (
                 SELECT FROM runs WHERE thread_id = $2 AND status = 'pending' LIMIT $3) AS line) AS waiting`,
      [newest_run_id, thread_id, most],
    );
    const [{ on_thread, waiting }] = rows;
    return { stamp: on_thread ?? undefined, waiting };
  }

  /** A run that has waited begins: its thread gets its config, unless the lease is lost. */
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

  /** A run that may have been put into the queue without our knowing. */
  async findInserted(db: Queryable, run_id: string): Promise<RunRow | undefined> {
    const { rows } = await db.query<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = $1`, [run_id]);
    return rows.at(0);
  }

  /**
   * Puts a run on a thread the caller has locked, or on one that is idle and has not changed since it was found with this
   * `stamp`. `lease` starts the run at once. Undefined when the thread or the assistant has changed.
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
   * Makes a thread for a run, and the run, in one statement; undefined when the thread is there already or the assistant
   * has changed.
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
   * Claims up to `limit` runs, those whose turn came first before others. SKIP LOCKED: two workers never get the same run and
   * none waits for another. A run is due when its moment has come and its thread has no running run and none that is
   * due earlier; should two workers see it differently, the unique index on running runs refuses the second. Runs whose
   * lease has expired are due again. As many as there are `tokens`, each for one lease: by them runs can be found whose
   * claim was never answered.
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

  /** Runs that a claim with these tokens got, whose answer was lost. */
  async findClaimed(tokens: readonly string[]): Promise<ClaimedRun[]> {
    const { rows } = await this.sql.query<ClaimedRun>(
      `SELECT ${CLAIMED_COLUMNS} FROM runs WHERE status = 'running' AND lease_token = ANY($1::uuid[])`,
      [tokens],
    );
    return rows;
  }

  /** Runs whose lease has expired too often to be tried again. */
  async findGivenUp(maxAttempts: number): Promise<ClaimedRun[]> {
    const { rows } = await this.sql.query<ClaimedRun>(
      `SELECT ${CLAIMED_COLUMNS} FROM runs
       WHERE status = 'running' AND lease_until < clock_timestamp() AND attempt >= $1 LIMIT 100`,
      [maxAttempts],
    );
    return rows;
  }

  /**
   * Ends a run and brings its thread up to date, unless the lease is lost. The thread is locked first, as everybody who
   * creates a run does: its `newest_run_id` then says for certain whether others are waiting behind this one.
   * `held` is false when the lease was lost and nothing has changed; `more` tells that the thread has another run.
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

  /** Ends a stateless run. Its hidden thread stays for a while, so that clients that come back find the answer. */
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

  /** What a run that has ended has stored of its result. */
  async findOutput(run_id: string): Promise<string | undefined> {
    const { rows } = await this.sql.query<{ output: string | null }>(
      'SELECT output::text FROM runs WHERE run_id = $1',
      [run_id],
    );
    return rows.at(0)?.output ?? undefined;
  }

  /** Stores the result of a run that was stopped from outside, unless there is one. Returns what is stored. */
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
   * Releases a run so that another worker can claim it. The attempt is not counted unless `countsAttempt` is set, or the
   * run has been released too often before.
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
   * Stops active runs of a thread: all of them, or those named. The caller has locked the thread, so no run is created
   * or ends meanwhile. Their leases are gone with this statement: it waits for a checkpoint that is just being written,
   * and no later one comes. What their graphs still produce goes nowhere. A run that is rolled back has never been: its
   * webhook is not sent.
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
   * After {@link stop}: the thread belongs to the newest run that is left. Otherwise it is idle when a run has been
   * interrupted at its work, and as it was before when the runs that were stopped have left nothing.
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

  /** Of these runs of a thread, those that are being executed: it is noted that they are to end, and why. */
  async requestCancel(thread_id: string, run_ids: string[], reason?: string): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `UPDATE runs SET cancel_requested_at = clock_timestamp(), cancel_reason = coalesce(cancel_reason, $3)
       WHERE thread_id = $1 AND run_id = ANY($2) AND status = 'running' RETURNING run_id`,
      [thread_id, run_ids, reason ?? null],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /** Runs that go on though they were to end, as much as `ms` ago: whoever was to see to it is gone. By thread. */
  async findUnstopped(ms: number): Promise<Map<string, string[]>> {
    const { rows } = await this.sql.query<{ thread_id: string; run_ids: string[] }>(
      `SELECT thread_id, array_agg(run_id) AS run_ids FROM runs
       WHERE status = 'running' AND cancel_requested_at < ${inMs('-$1')} GROUP BY thread_id LIMIT 100`,
      [ms],
    );
    return byThread(rows);
  }

  /** The run that is being executed on a thread, if there is one. */
  async findRunningOn(thread_id: string): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `SELECT run_id FROM runs WHERE thread_id = $1 AND status = 'running'`,
      [thread_id],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /** Active runs in these statuses, by thread, oldest first; at most `limit`. */
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

  /** The run that was executed last on a thread. */
  async lastEnded(db: Queryable, thread_id: string): Promise<EndedRun | undefined> {
    const { rows } = await db.query<EndedRun>(`SELECT run_id, status, error FROM ${LAST_ENDED}`, [thread_id]);
    return rows.at(0);
  }

  /** The newest run is gone, or was never executed: the thread's state belongs to the graph of the one before. */
  async stampAsLastRun(db: Queryable, thread_id: string): Promise<void> {
    await db.query(
      `UPDATE threads SET metadata = threads.metadata || jsonb_build_object(
                'graph_id', last.kwargs -> 'config' -> 'configurable' ->> 'graph_id', 'assistant_id', last.assistant_id)
       FROM (SELECT * FROM ${LAST_ENDED}) AS last WHERE threads.thread_id = $1`,
      [thread_id],
    );
  }

  /** Of these runs, those that have ended or are gone. */
  async findEnded(run_ids: string[]): Promise<string[]> {
    const { rows } = await this.sql.query<{ run_id: string }>(
      `SELECT wanted.run_id FROM unnest($1::uuid[]) AS wanted (run_id)
       LEFT JOIN runs ON runs.run_id = wanted.run_id
       WHERE runs.status IS NULL OR runs.status NOT IN ('pending', 'running')`,
      [run_ids],
    );
    return rows.map(({ run_id }) => run_id);
  }

  /** Removes hidden threads that nobody can come back to any more, in batches. */
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
  run.yields_ms ?? 0,
  run.caller_key ?? UNKNOWN_CALLER,
];

const jsonbOrNull = (value: object | undefined): string | null => (value ? toJsonb(value) : null);

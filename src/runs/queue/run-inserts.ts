import { Inject, Injectable } from '@nestjs/common';
import { type JsonObject, toJsonb } from '../../common/index.js';
import { type Queryable, Sql } from '../../database/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { ThreadTtl } from '../../threads/index.js';
import type { RunField } from '../dto/run.dto.js';
import type { Delivery, MultitaskStrategy, RunCaller, RunEntity, RunKwargs, ThreadStamp } from '../run.entity.js';
import { UNKNOWN_CALLER } from './caller-key.js';
import { inMs } from './in-ms.js';
import { jsonbOrNull } from './jsonb-or-null.js';

/** A run as it is inserted into the queue. */
export interface NewRun {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  /**
   * Version of the assistant that the run was prepared from. If the assistant has changed since, the run is not
   * inserted.
   */
  assistant_stamp?: string;
  kwargs: RunKwargs;
  metadata: JsonObject;
  caller: RunCaller | null;
  /** The caller whose share of the slots the run uses; absent without a known caller. */
  caller_key?: string;
  delivery: Delivery | null;
  on_disconnect: 'cancel' | null;
  multitask_strategy: MultitaskStrategy;
  /** Milliseconds until the run is due. */
  delay_ms: number;
  /** Runs that become due within this many milliseconds after this run are claimed before it; default 0. */
  priority_delay_ms?: number;
  /** What a queued run writes to its thread when it starts. A run that starts at once has written it already. */
  on_thread?: ThreadStamp;
}

/** The columns of a thread that its runs depend on. */
export interface RunThread {
  metadata: JsonObject;
  config: JsonObject;
  interrupts: Record<string, GraphInterrupt[]>;
  newest_run_id: string | null;
  /** Version of the row: changes with every update of the thread. */
  stamp: string;
}

/** The lease of a run that starts when it is inserted. */
export interface NewLease {
  token: string;
  ms: number;
}

/** The row of a run that has been inserted. */
export type InsertedRun = Pick<RunEntity, RunField>;

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
 * Inserts runs into the queue, which is the table `runs`. Each method is one statement and documents the race it
 * settles.
 */
@Injectable()
export class RunInserts {
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

  async isRunning(thread_id: string, run_id: string): Promise<boolean> {
    const { rows } = await this.sql.query(
      `SELECT FROM runs WHERE run_id = $1 AND thread_id = $2 AND status = 'running'`,
      [run_id, thread_id],
    );
    return rows.length > 0;
  }

  /** Finds a run whose insert may have been committed although the COMMIT outcome is unknown. */
  async findInserted(db: Queryable, run_id: string): Promise<InsertedRun | undefined> {
    const { rows } = await db.query<InsertedRun>(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = $1`, [run_id]);
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
    lease?: NewLease,
    stamp?: string,
  ): Promise<InsertedRun | undefined> {
    const { rows } = await db.query<InsertedRun>(
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
    lease?: NewLease,
  ): Promise<InsertedRun | undefined> {
    const { rows } = await db.query<InsertedRun>(
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
}

const values = (run: NewRun, lease: NewLease | undefined): unknown[] => [
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

import { Inject, Injectable } from '@nestjs/common';
import { parameterRows, type Queryable, Sql } from '../database/index.js';
import { type Appended, EventLog, type LogBounds, type LogRetention, type NewChunk } from './event-log.js';
import type { NumberedEvent, StreamEvent } from './stream-event.js';

/** Most events of a chunk; a read looks this far back for the chunk that holds the next event. */
export const MAX_CHUNK_EVENTS = 1_000;
/** Most chunks, and bytes unless one chunk alone has more, that a read gives at once. */
const PAGE_CHUNKS = 200;
const PAGE_BYTES = 4 * 1024 * 1024;
/** Chunks that one statement of the sweep removes. */
const SWEEP_CHUNKS = 1_000;
/** Added to a thread's numbers when a crash of the database has emptied the log: more than can have been lost. */
const CRASH_JUMP = 1_000_000;

const CHUNK_TYPES = ['uuid', 'uuid', 'uuid', 'uuid', 'boolean', 'integer', 'text'] as const;

/** Everything that is kept for the streams of threads. */
export const DELETE_STREAMS = `
  WITH events AS (DELETE FROM thread_events WHERE thread_id = ANY($1))
  DELETE FROM thread_streams WHERE thread_id = ANY($1)`;

/**
 * All chunks in one statement, whatever threads they belong to. The rows of `thread_streams` are locked in one order,
 * so that two writers never wait for each other, and until the commit, so that numbers are in the order of commits.
 * The log is unlogged, but not its numbers: when they say that there should be events and there are none, the database
 * has crashed, its last numbers may be lost with the write-ahead log that nobody waits for, and a jump makes sure that
 * no number is given twice.
 */
const append = (chunks: number): string => `
  WITH new (chunk_id, thread_id, run_id, lease_token, resumable, count, events) AS (
    VALUES ${parameterRows(chunks, CHUNK_TYPES, 1)}
  ), allowed AS MATERIALIZED (
    SELECT * FROM new WHERE CASE WHEN lease_token IS NULL
      THEN EXISTS (SELECT FROM threads t WHERE t.thread_id = new.thread_id)
      ELSE EXISTS (SELECT FROM runs r WHERE r.run_id = new.run_id AND r.lease_token = new.lease_token) END
  ), numbered AS (
    INSERT INTO thread_streams AS s (thread_id, next_seq, kept_size)
    SELECT thread_id, count, octet_length(events) FROM allowed ORDER BY thread_id
    ON CONFLICT (thread_id) DO UPDATE SET
      next_seq = s.next_seq + EXCLUDED.next_seq
        + CASE WHEN s.next_seq > s.kept_from AND NOT EXISTS (SELECT FROM thread_events e WHERE e.thread_id = s.thread_id)
          THEN ${CRASH_JUMP} ELSE 0 END,
      kept_from = CASE WHEN s.next_seq > s.kept_from AND NOT EXISTS (SELECT FROM thread_events e WHERE e.thread_id = s.thread_id)
          THEN s.next_seq + ${CRASH_JUMP} ELSE s.kept_from END,
      kept_size = s.kept_size + EXCLUDED.kept_size
    RETURNING thread_id, next_seq, kept_size
  ), written AS (
    INSERT INTO thread_events (thread_id, seq, count, run_id, chunk_id, resumable, events)
    SELECT thread_id, next_seq - count, count, run_id, chunk_id, resumable, events FROM allowed JOIN numbered USING (thread_id)
    RETURNING thread_id, seq
  )
  SELECT thread_id, seq, kept_size, set_config('synchronous_commit', 'off', true) FROM written JOIN numbered USING (thread_id)`;

interface AppendedRow {
  thread_id: string;
  seq: string;
  kept_size: string;
}

interface ChunkRow {
  seq: string;
  run_id: string | null;
  events: string;
}

/** The event log on Postgres: enough for several replicas that share a database anyway. */
@Injectable()
export class PostgresEventLog extends EventLog {
  constructor(@Inject(Sql) private readonly sql: Queryable) {
    super();
  }

  override async append(chunks: readonly NewChunk[], again: boolean): Promise<(Appended | undefined)[]> {
    const arrived = again ? await this.arrived(chunks) : new Map<string, Appended>();
    const missing = chunks.filter(({ thread_id }) => !arrived.has(thread_id));
    if (missing.length > 0) {
      const values = missing.flatMap(({ chunk_id, thread_id, run_id, lease_token, resumable, events }) => [
        chunk_id,
        thread_id,
        run_id,
        lease_token,
        resumable,
        events.length,
        toText(events),
      ]);
      const { rows } = await this.sql.query<AppendedRow>(append(missing.length), values);
      rows.forEach((row) => arrived.set(row.thread_id, toAppended(row)));
    }
    return chunks.map(({ thread_id }) => arrived.get(thread_id));
  }

  override async read(thread_id: string, after: number, run_id?: string): Promise<NumberedEvent[]> {
    const { rows } = await this.sql.query<ChunkRow>(
      `SELECT seq, run_id, events FROM (
         SELECT seq, run_id, events, sum(octet_length(events)) OVER (ORDER BY seq) - octet_length(events) AS before
         FROM thread_events
         WHERE thread_id = $1 AND seq > $2::bigint - ${MAX_CHUNK_EVENTS} AND seq + count > $2::bigint + 1
           AND ($3::uuid IS NULL OR run_id = $3)
         ORDER BY seq LIMIT ${PAGE_CHUNKS}) AS page
       WHERE before < ${PAGE_BYTES} ORDER BY seq`,
      [thread_id, after, run_id ?? null],
    );
    return rows.flatMap(toEvents).filter(({ seq }) => seq > after);
  }

  override async bounds(thread_id: string): Promise<LogBounds> {
    const { rows } = await this.sql.query<{ kept_from: string; next_seq: string }>(
      'SELECT kept_from, next_seq FROM thread_streams WHERE thread_id = $1',
      [thread_id],
    );
    return { kept_from: Number(rows[0]?.kept_from ?? 0), next_seq: Number(rows[0]?.next_seq ?? 0) };
  }

  /** The row of the thread is locked first, as everywhere: a writer and this never wait for each other. */
  override async trim(thread_id: string, size: number): Promise<void> {
    await this.sql.query(
      `WITH stream AS MATERIALIZED (SELECT FROM thread_streams WHERE thread_id = $1 FOR UPDATE
       ), dropped AS (
         DELETE FROM thread_events WHERE thread_id = $1 AND EXISTS (SELECT FROM stream) AND seq IN (
           SELECT seq FROM (SELECT seq, sum(octet_length(events)) OVER (ORDER BY seq DESC) AS kept
                            FROM thread_events WHERE thread_id = $1) AS chunks WHERE kept > $2)
         RETURNING thread_id, seq + count AS upto, octet_length(events) AS size
       ) ${FORGET_DROPPED}`,
      [thread_id, size],
    );
  }

  override async sweep({ resumable_ms, other_ms }: LogRetention): Promise<void> {
    await this.sweepBatches('NOT resumable', other_ms);
    await this.sweepBatches('resumable', resumable_ms);
  }

  private async sweepBatches(which: string, retention_ms: number): Promise<void> {
    let dropped: number;
    do {
      const { rows } = await this.sql.query<{ thread_id: string }>(sweepStatement(which), [retention_ms]);
      await this.sql.query(FORGET_DELETED, [rows.map(({ thread_id }) => thread_id)]);
      dropped = rows.length;
    } while (dropped > 0);
  }

  /** Those chunks that a failed call has written after all. */
  private async arrived(chunks: readonly NewChunk[]): Promise<Map<string, Appended>> {
    const { rows } = await this.sql.query<AppendedRow>(
      `SELECT thread_id, seq, kept_size FROM thread_events JOIN thread_streams USING (thread_id)
       WHERE thread_id = ANY($1::uuid[]) AND chunk_id = ANY($2::uuid[])`,
      [chunks.map(({ thread_id }) => thread_id), chunks.map(({ chunk_id }) => chunk_id)],
    );
    return new Map(rows.map((row) => [row.thread_id, toAppended(row)]));
  }
}

/** Notes in the threads' rows what has been `dropped`. */
const FORGET_DROPPED = `
  UPDATE thread_streams s SET kept_from = greatest(s.kept_from, d.upto), kept_size = s.kept_size - d.size
  FROM (SELECT thread_id, max(upto) AS upto, sum(size) AS size FROM dropped GROUP BY thread_id) AS d
  WHERE s.thread_id = d.thread_id RETURNING s.thread_id`;

/**
 * One batch. SKIP LOCKED: two processes that sweep at the same time do not wait for each other; the rows of the threads
 * are locked before those of their events, as writers do.
 */
const sweepStatement = (which: string): string => `
  WITH expired AS MATERIALIZED (
    SELECT thread_id, seq FROM thread_events e
    WHERE ${which} AND created_at < clock_timestamp() - $1::bigint * interval '1 millisecond' AND NOT EXISTS (
      SELECT FROM runs r WHERE r.run_id = e.run_id AND (r.status IN ('pending', 'running')
        OR r.updated_at > clock_timestamp() - $1::bigint * interval '1 millisecond'))
    ORDER BY created_at LIMIT ${SWEEP_CHUNKS}
  ), stream AS MATERIALIZED (
    SELECT thread_id FROM thread_streams WHERE thread_id IN (SELECT thread_id FROM expired)
    ORDER BY thread_id FOR UPDATE SKIP LOCKED
  ), dropped AS (
    DELETE FROM thread_events e USING expired JOIN stream USING (thread_id)
    WHERE e.thread_id = expired.thread_id AND e.seq = expired.seq
    RETURNING e.thread_id, e.seq + e.count AS upto, octet_length(e.events) AS size
  ) ${FORGET_DROPPED}`;

/** Threads that were deleted while an event was on its way. */
const FORGET_DELETED = `
  DELETE FROM thread_streams s WHERE thread_id = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM threads t WHERE t.thread_id = s.thread_id)
    AND NOT EXISTS (SELECT FROM thread_events e WHERE e.thread_id = s.thread_id)`;

const toAppended = ({ seq, kept_size }: AppendedRow): Appended => ({ seq: Number(seq), kept_size: Number(kept_size) });

/** JSON and names have no line breaks. */
const toText = (events: readonly StreamEvent[]): string =>
  events.map(({ event, json }) => `${event}\n${json}`).join('\n');

function toEvents({ seq, run_id, events }: ChunkRow): NumberedEvent[] {
  const lines = events.split('\n');
  const numbered: NumberedEvent[] = [];
  for (let line = 0; line < lines.length; line += 2) {
    numbered.push({ seq: Number(seq) + line / 2, run_id, event: lines[line], json: lines[line + 1] });
  }
  return numbered;
}

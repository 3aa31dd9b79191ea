import { Injectable } from '@nestjs/common';
import { parameterRows, type Queryable, Sql } from '../database/index.js';
import {
  type Appended,
  EventLog,
  type LogBounds,
  type LogPage,
  type LogRetention,
  MAX_CHUNK_EVENTS,
  type NewChunk,
} from './event-log.js';
import type { NumberedEvent, StreamEvent } from './stream-event.js';

/** Limits of one page: chunks, and bytes unless a single chunk is larger. */
const PAGE_CHUNKS = 200;
const PAGE_BYTES = 4 * 1024 * 1024;
/** Chunks that one sweep statement removes. */
const SWEEP_CHUNKS = 1_000;
/** Statements per sweep; the next sweep removes the rest. */
const MAX_SWEEP_BATCHES = 1_000;
/** Numbers skipped by each epoch: more than a crash can lose, because commits do not wait for the write-ahead log. */
const EPOCH_NUMBERS = 1_000_000;

const CHUNK_TYPES = ['uuid', 'uuid', 'uuid', 'uuid', 'boolean', 'integer', 'text'] as const;

/** The first number of a thread. A thread older than the epoch may have used numbers that were lost. */
const FIRST_SEQ = `CASE WHEN threads.created_at < current.started_at THEN current.epoch * ${EPOCH_NUMBERS} ELSE 0 END`;

/**
 * Appends all chunks in one statement, for any number of threads. The rows of `thread_streams` are locked in a fixed
 * order, so that two writers cannot deadlock, and until the commit, so that numbers follow the order of commits.
 *
 * Fencing: a chunk is written only while its run holds the lease token. The lease may be lost while the statement waits
 * for the lock, so `may_add_thread_events` checks it again with a new snapshot.
 *
 * Commits do not wait for the disk. A crash of the database loses all events, the row of the epoch, and possibly the last
 * numbers. The next epoch skips {@link EPOCH_NUMBERS}, so that no number is reused.
 */
const append = (rows: number): string => `
  WITH current AS MATERIALIZED (
    SELECT epoch, started_at FROM event_log_epochs
  ), new (chunk_id, thread_id, run_id, lease_token, resumable, count, events) AS (
    VALUES ${parameterRows(rows, CHUNK_TYPES, 1)}
  ), allowed AS MATERIALIZED (
    SELECT new.*, epoch, ${FIRST_SEQ} AS first_seq FROM new JOIN threads USING (thread_id), current
    WHERE lease_token IS NULL
       OR EXISTS (SELECT FROM runs r WHERE r.run_id = new.run_id AND r.lease_token = new.lease_token)
  ), numbered AS (
    INSERT INTO thread_streams AS s (thread_id, epoch, next_seq, kept_from, kept_size)
    SELECT thread_id, epoch, first_seq + count, first_seq, octet_length(events) FROM allowed ORDER BY thread_id
    ON CONFLICT (thread_id) DO UPDATE SET
      epoch = EXCLUDED.epoch,
      next_seq = s.next_seq + (EXCLUDED.epoch - s.epoch) * ${EPOCH_NUMBERS} + EXCLUDED.next_seq - EXCLUDED.kept_from,
      kept_from = CASE WHEN s.epoch = EXCLUDED.epoch THEN s.kept_from
                       ELSE s.next_seq + (EXCLUDED.epoch - s.epoch) * ${EPOCH_NUMBERS} END,
      kept_size = CASE WHEN s.epoch = EXCLUDED.epoch THEN s.kept_size ELSE 0 END + EXCLUDED.kept_size
    RETURNING thread_id, next_seq, kept_size
  ), written AS (
    INSERT INTO thread_events (thread_id, seq, count, run_id, chunk_id, resumable, events)
    SELECT numbered.thread_id, next_seq - count, count, run_id, chunk_id, resumable, events
    FROM allowed JOIN numbered USING (thread_id)
    WHERE may_add_thread_events(numbered.thread_id, run_id, lease_token)
    RETURNING thread_id, seq
  )
  SELECT thread_id, seq, kept_size, set_config('synchronous_commit', 'off', true)
  FROM numbered LEFT JOIN written USING (thread_id)`;

/** Waits for in-flight writers of these threads, and blocks others until the end of the transaction. */
const LOCK_STREAMS = `
  INSERT INTO thread_streams (thread_id, epoch, next_seq, kept_from)
  SELECT thread_id, epoch, ${FIRST_SEQ}, ${FIRST_SEQ} FROM threads, event_log_epochs AS current
  WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id
  ON CONFLICT (thread_id) DO UPDATE SET next_seq = thread_streams.next_seq`;

/** Starts a new epoch after a crash. This commit waits for the disk: another crash must not lose the epoch number. */
const BEGIN_EPOCH = `
  INSERT INTO event_log_epochs SELECT WHERE NOT EXISTS (SELECT FROM event_log_epochs)
  ON CONFLICT DO NOTHING`;

/**
 * A thread without writes since a crash has no stored events: its bounds are the number that its next event will get, or
 * a lower one. If its row was lost too, it is treated as a thread without events.
 */
const BOUNDS = `
  WITH current AS (
    SELECT coalesce(max(epoch), (SELECT last_value + 1 FROM event_log_epoch_numbers)) AS epoch,
           coalesce(max(started_at), 'infinity') AS started_at FROM event_log_epochs
  )
  SELECT CASE WHEN s.epoch = current.epoch THEN kept_from ELSE jump END AS kept_from,
         CASE WHEN s.epoch = current.epoch THEN next_seq ELSE jump END AS next_seq
  FROM threads CROSS JOIN current LEFT JOIN thread_streams s USING (thread_id) CROSS JOIN LATERAL (
    SELECT coalesce(s.next_seq + (current.epoch - s.epoch) * ${EPOCH_NUMBERS}, ${FIRST_SEQ}) AS jump) AS jumped
  WHERE thread_id = $1`;

interface NumberedRow {
  thread_id: string;
  /** Null when the chunk was rejected after the lock was acquired. */
  seq: string | null;
  kept_size: string;
}

interface ChunkRow {
  seq: string;
  run_id: string | null;
  events: string;
  /** Number of chunks found: those of this page and the one after it. */
  found: string;
}

/** The event log in Postgres: serves several replicas without another service, because they share a database anyway. */
@Injectable()
export class PostgresEventLog extends EventLog {
  constructor(private readonly sql: Sql) {
    super();
  }

  override append(chunks: readonly NewChunk[], again: boolean): Promise<(Appended | undefined)[]> {
    return again ? this.appendMissing(chunks) : this.insert(this.sql, chunks);
  }

  override async read(thread_id: string, after: number, run_id?: string): Promise<LogPage> {
    const { rows } = await this.sql.query<ChunkRow>(
      `SELECT seq, run_id, events, found FROM (
         SELECT seq, run_id, events, count(*) OVER () AS found, row_number() OVER (ORDER BY seq) AS place,
                sum(octet_length(events)) OVER (ORDER BY seq) - octet_length(events) AS before
         FROM (SELECT seq, run_id, events FROM thread_events
               WHERE thread_id = $1 AND seq > $2::bigint - ${MAX_CHUNK_EVENTS} AND seq + count > $2::bigint + 1
                 AND ($3::uuid IS NULL OR run_id = $3)
               ORDER BY seq LIMIT ${PAGE_CHUNKS + 1}) AS next) AS page
       WHERE before < ${PAGE_BYTES} AND place <= ${PAGE_CHUNKS} ORDER BY seq`,
      [thread_id, after, run_id ?? null],
    );
    return {
      events: rows.flatMap(parseEvents).filter(({ seq }) => seq > after),
      isLast: rows.length === Number(rows[0]?.found ?? 0),
    };
  }

  override async bounds(thread_id: string): Promise<LogBounds> {
    const { rows } = await this.sql.query<{ kept_from: string; next_seq: string }>(BOUNDS, [thread_id]);
    return { kept_from: Number(rows[0]?.kept_from ?? 0), next_seq: Number(rows[0]?.next_seq ?? 0) };
  }

  override async oldestOf(thread_id: string, run_id: string): Promise<number | undefined> {
    const { rows } = await this.sql.query<{ seq: string }>(
      'SELECT seq FROM thread_events WHERE thread_id = $1 AND run_id = $2 ORDER BY seq LIMIT 1',
      [thread_id, run_id],
    );
    return rows[0] && Number(rows[0].seq);
  }

  override async ends(thread_ids: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.sql.query<{ thread_id: string; next_seq: string }>(
      `SELECT thread_id, coalesce(next_seq, 0) AS next_seq FROM threads LEFT JOIN thread_streams USING (thread_id)
       WHERE thread_id = ANY($1::uuid[])`,
      [thread_ids],
    );
    return new Map(rows.map(({ thread_id, next_seq }) => [thread_id, Number(next_seq)]));
  }

  /** Locks the row of the thread first, as writers do, so that the two cannot deadlock. */
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
    let dropped = 0;
    for (let batch = 0; batch === 0 || (dropped > 0 && batch < MAX_SWEEP_BATCHES); batch += 1) {
      const { rows } = await this.sql.query<{ thread_id: string }>(sweepStatement(which), [retention_ms]);
      dropped = rows.length;
      await forgetDeleted(
        this.sql,
        rows.map(({ thread_id }) => thread_id),
      );
    }
  }

  private async insert(db: Queryable, chunks: readonly NewChunk[], again = false): Promise<(Appended | undefined)[]> {
    const rows = chunks.map(({ chunk_id, thread_id, run_id, lease_token, resumable, events }) => [
      chunk_id,
      thread_id,
      run_id,
      lease_token,
      resumable,
      events.length,
      serializeEvents(events),
    ]);
    // Sizes are powers of two, so that few statements are prepared. Padding rows have no thread and are rejected.
    const size = 2 ** Math.ceil(Math.log2(rows.length));
    const padding = Array<null>((size - rows.length) * CHUNK_TYPES.length).fill(null);
    const { rows: numbered } = await db.query<NumberedRow>(append(size), [...rows.flat(), ...padding]);
    if (numbered.length === 0 && !again) {
      // All chunks were rejected, or there is no epoch. If another process has just started one, the retry sees it.
      await this.sql.query(BEGIN_EPOCH);
      return this.insert(db, chunks, true);
    }
    const places = new Map(numbered.map((row) => [row.thread_id, toAppended(row)]));
    await forgetDeleted(
      db,
      [...places.keys()].filter((thread_id) => !places.get(thread_id)),
    );
    return chunks.map(({ thread_id }) => places.get(thread_id));
  }

  /** Waits for an earlier call that may still be in flight, then writes only the chunks that it has not written. */
  private appendMissing(chunks: readonly NewChunk[]): Promise<(Appended | undefined)[]> {
    return this.sql.transaction(async (db) => {
      const thread_ids = chunks.map(({ thread_id }) => thread_id);
      await db.query(LOCK_STREAMS, [thread_ids]);
      const { rows } = await db.query<NumberedRow>(
        `SELECT thread_id, seq, kept_size FROM thread_events JOIN thread_streams USING (thread_id)
         WHERE thread_id = ANY($1::uuid[]) AND chunk_id = ANY($2::uuid[])`,
        [thread_ids, chunks.map(({ chunk_id }) => chunk_id)],
      );
      const arrived = new Map(rows.map((row) => [row.thread_id, toAppended(row)]));
      const missing = chunks.filter(({ thread_id }) => !arrived.has(thread_id));
      const inserted = missing.length > 0 ? await this.insert(db, missing) : [];
      missing.forEach(({ thread_id }, index) => arrived.set(thread_id, inserted[index]));
      return chunks.map(({ thread_id }) => arrived.get(thread_id));
    });
  }
}

/**
 * Deletes everything stored for the streams of threads that are deleted, or will be in the same transaction. Deletes the
 * rows that writers lock first: in-flight writers have then committed, and the second statement sees their events. No
 * writer can write afterwards.
 */
export async function deleteStreams(
  db: { query(text: string, values: unknown[]): Promise<unknown> },
  thread_ids: readonly string[],
): Promise<void> {
  await db.query(
    `DELETE FROM thread_streams WHERE thread_id IN (
       SELECT thread_id FROM thread_streams WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id FOR UPDATE)`,
    [thread_ids],
  );
  await db.query('DELETE FROM thread_events WHERE thread_id = ANY($1::uuid[])', [thread_ids]);
}

/** Removes the rows of threads that were deleted while a chunk was in flight. */
async function forgetDeleted(db: Queryable, thread_ids: string[]): Promise<void> {
  if (thread_ids.length > 0) {
    await db.query(
      `DELETE FROM thread_streams s WHERE thread_id = ANY($1::uuid[])
         AND NOT EXISTS (SELECT FROM threads t WHERE t.thread_id = s.thread_id)
         AND NOT EXISTS (SELECT FROM thread_events e WHERE e.thread_id = s.thread_id)`,
      [thread_ids],
    );
  }
}

/** Updates the rows of the threads whose events were `dropped`. */
const FORGET_DROPPED = `
  UPDATE thread_streams s SET kept_from = greatest(s.kept_from, d.upto), kept_size = s.kept_size - d.size
  FROM (SELECT thread_id, max(upto) AS upto, sum(size) AS size FROM dropped GROUP BY thread_id) AS d
  WHERE s.thread_id = d.thread_id RETURNING s.thread_id`;

/**
 * Removes one batch. SKIP LOCKED: two processes that sweep at the same time do not wait for each other. The rows of the
 * threads are locked before those of their events, as writers do.
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

const toAppended = ({ seq, kept_size }: NumberedRow): Appended | undefined =>
  seq === null ? undefined : { seq: Number(seq), kept_size: Number(kept_size) };

/** One line per name and per JSON value; neither contains line breaks. */
const serializeEvents = (events: readonly StreamEvent[]): string =>
  events.map(({ event, json }) => `${event}\n${json}`).join('\n');

function parseEvents({ seq, run_id, events }: ChunkRow): NumberedEvent[] {
  const lines = events.split('\n');
  const numbered: NumberedEvent[] = [];
  for (let line = 0; line < lines.length; line += 2) {
    numbered.push({ seq: Number(seq) + line / 2, run_id, event: lines[line], json: lines[line + 1] });
  }
  return numbered;
}

import type { CheckpointTuple } from '@langchain/langgraph';

/** Anything that runs SQL: the pool, or the connection of a transaction. */
export interface Queryable {
  query<R>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/**
 * One row of {@link selectTuples}: a checkpoint (`c`), one of its channel values (`b`) or one of its pending writes
 * (`w`). Plain rows, because node-postgres needs twenty times as long to parse arrays of bytea.
 */
export type TupleRow =
  | {
      kind: 'c';
      thread: string;
      ns: string;
      id: string;
      parent_id: string | null;
      checkpoint: StoredCheckpoint;
      metadata: CheckpointTuple['metadata'];
    }
  | { kind: 'b'; thread: string; ns: string; channel: string; version: string; type: string; blob: Buffer | null }
  | { kind: 'w'; thread: string; ns: string; id: string; task_id: string; channel: string; type: string; blob: Buffer };

export type StoredCheckpoint = Omit<CheckpointTuple['checkpoint'], 'channel_values'>;

/** Checkpoints that fulfil `where`, newest first, each with everything it refers to, in one round trip. */
export const selectTuples = (where: string, limit: string): string => `
  WITH cp AS MATERIALIZED (
    SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata
    FROM checkpoints WHERE ${where} ORDER BY checkpoint_id DESC ${limit}
  )
  SELECT * FROM (
  SELECT 'c' AS kind, thread_id AS thread, checkpoint_ns AS ns, checkpoint_id AS id, parent_checkpoint_id AS parent_id, checkpoint, metadata,
         NULL AS channel, NULL AS version, NULL AS task_id, NULL AS type, NULL::bytea AS blob, '' AS path, 0 AS idx
  FROM cp
  UNION ALL
  SELECT 'b', b.thread_id, b.checkpoint_ns, NULL, NULL, NULL, NULL, b.channel, b.version, NULL, b.type, b.blob, '', 0
  FROM (SELECT DISTINCT cp.thread_id, cp.checkpoint_ns, v.key, v.value
        FROM cp, jsonb_each_text(cp.checkpoint -> 'channel_versions') v) used
  JOIN checkpoint_blobs b ON b.thread_id = used.thread_id AND b.checkpoint_ns = used.checkpoint_ns
   AND b.channel = used.key AND b.version = used.value
  WHERE b.type <> 'empty'
  UNION ALL
  SELECT 'w', w.thread_id, w.checkpoint_ns, w.checkpoint_id, NULL, NULL, NULL, w.channel, NULL, w.task_id, w.type, w.blob,
         w.task_path, w.idx
  FROM cp JOIN checkpoint_writes w ON w.thread_id = cp.thread_id AND w.checkpoint_ns = cp.checkpoint_ns
   AND w.checkpoint_id = cp.checkpoint_id
  ) parts ORDER BY kind, id DESC, path COLLATE "C", task_id COLLATE "C", idx`;

/** A checkpoint and the channel values it brings, in one statement. Each blob is a parameter of its own. */
export function insertCheckpoint(blobs: number): string {
  const values = Array.from(
    { length: blobs },
    (_, i) => `($1, $2, $${7 + i * 4}, $${8 + i * 4}, $${9 + i * 4}, $${10 + i * 4}::bytea)`,
  );
  const withBlobs =
    blobs === 0
      ? ''
      : `WITH blobs AS (
           INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
           VALUES ${values.join(', ')} ON CONFLICT DO NOTHING
         )`;
  return `${withBlobs}
    INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)
    DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata`;
}

/** All writes of one task in one statement. Special writes (errors, interrupts, ...) replace what was there. */
export function insertWrites(writes: number, replace: boolean): string {
  const values = Array.from(
    { length: writes },
    (_, i) => `($1, $2, $3, $4, $5, $${6 + i * 4}::integer, $${7 + i * 4}, $${8 + i * 4}, $${9 + i * 4}::bytea)`,
  );
  const conflict = replace
    ? 'UPDATE SET channel = EXCLUDED.channel, type = EXCLUDED.type, blob = EXCLUDED.blob'
    : 'NOTHING';
  return `
    INSERT INTO checkpoint_writes
      (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob)
    VALUES ${values.join(', ')}
    ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO ${conflict}`;
}

/** Everything that is kept for threads. */
export const DELETE_THREADS = `
  WITH blobs AS (DELETE FROM checkpoint_blobs WHERE thread_id = ANY($1)),
       writes AS (DELETE FROM checkpoint_writes WHERE thread_id = ANY($1))
  DELETE FROM checkpoints WHERE thread_id = ANY($1)`;

/** The checkpoints that one run wrote, with their writes. Channel values stay: others may refer to them. */
export const DELETE_RUN = `
  WITH gone AS (
    DELETE FROM checkpoints WHERE thread_id = $1 AND metadata ->> 'run_id' = $2
    RETURNING thread_id, checkpoint_ns, checkpoint_id
  )
  DELETE FROM checkpoint_writes w USING gone
  WHERE w.thread_id = gone.thread_id AND w.checkpoint_ns = gone.checkpoint_ns AND w.checkpoint_id = gone.checkpoint_id`;

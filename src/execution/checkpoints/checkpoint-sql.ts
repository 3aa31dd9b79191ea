import type { CheckpointTuple } from '@langchain/langgraph';
import { parameterRows } from '../../database/index.js';

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

/** The lease that must still be held for a write to happen. */
export interface Fence {
  run_id: string;
  lease_token: string;
}

/**
 * Makes statements conditional on a lease, in themselves: no moment lies between looking and writing. FOR SHARE: whoever
 * takes the lease away waits until a write that is under way has committed, and meets no later one.
 */
class Guard {
  readonly cte: string;
  readonly where: string;
  /** One row with `held`, false when nothing was written because the lease is gone. */
  readonly result = 'SELECT EXISTS (SELECT FROM owner) AS held';

  constructor(isFenced: boolean, at: number) {
    this.cte = isFenced
      ? `owner AS MATERIALIZED (SELECT 1 FROM runs WHERE run_id = $${at}::uuid AND lease_token = $${at + 1}::uuid FOR SHARE)`
      : 'owner AS (SELECT 1)';
    this.where = 'WHERE EXISTS (SELECT FROM owner)';
  }
}

const BLOB_TYPES = ['text', 'text', 'text', 'bytea'] as const;
const WRITE_TYPES = ['integer', 'text', 'text', 'bytea'] as const;

/** A checkpoint and the channel values it brings, in one statement. Each blob is a parameter of its own. */
export function insertCheckpoint(blobs: number, isFenced: boolean): string {
  const guard = new Guard(isFenced, 7 + blobs * BLOB_TYPES.length);
  const withBlobs =
    blobs === 0
      ? ''
      : `, blobs AS (
           INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
           SELECT $1::text, $2::text, new.* FROM (VALUES ${parameterRows(blobs, BLOB_TYPES, 7)}) AS new ${guard.where}
           ON CONFLICT DO NOTHING
         )`;
  return `
    WITH ${guard.cte}${withBlobs}, checkpoint AS (
      INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
      SELECT $1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb ${guard.where}
      ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)
      DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata
    ) ${guard.result}`;
}

/** All writes of one task in one statement. Special writes (errors, interrupts, ...) replace what was there. */
export function insertWrites(writes: number, replace: boolean, isFenced: boolean): string {
  const lease = 6 + writes * WRITE_TYPES.length;
  const guard = new Guard(isFenced, lease);
  const conflict = replace
    ? 'UPDATE SET channel = EXCLUDED.channel, type = EXCLUDED.type, blob = EXCLUDED.blob'
    : 'NOTHING';
  return `
    WITH ${guard.cte}, writes AS (
      INSERT INTO checkpoint_writes
        (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, run_id, idx, channel, type, blob)
      SELECT $1::text, $2::text, $3::text, $4::text, $5::text, ${isFenced ? `$${lease}::uuid` : 'NULL::uuid'}, new.*
      FROM (VALUES ${parameterRows(writes, WRITE_TYPES, 6)}) AS new ${guard.where}
      ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO ${conflict}
    ) ${guard.result}`;
}

/** One row when the thread has this checkpoint. */
export const FIND_CHECKPOINT =
  'SELECT FROM checkpoints WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = $3';

/** The newest root checkpoint that a run wrote. */
export const LAST_CHECKPOINT_OF_RUN = `
  SELECT checkpoint_id FROM checkpoints
  WHERE thread_id = $1 AND checkpoint_ns = '' AND metadata ->> 'run_id' = $2 ORDER BY checkpoint_id DESC LIMIT 1`;

/** Everything that is kept for threads. */
export const DELETE_THREADS = `
  WITH blobs AS (DELETE FROM checkpoint_blobs WHERE thread_id = ANY($1)),
       writes AS (DELETE FROM checkpoint_writes WHERE thread_id = ANY($1))
  DELETE FROM checkpoints WHERE thread_id = ANY($1)`;

/** What runs of a thread wrote: their checkpoints, and their writes to checkpoints of others. */
export const DELETE_RUNS = `
  WITH gone AS (
    DELETE FROM checkpoints WHERE thread_id = $1 AND metadata ->> 'run_id' = ANY($2)
    RETURNING checkpoint_ns, checkpoint_id
  )
  DELETE FROM checkpoint_writes w
  WHERE thread_id = $1 AND (w.run_id = ANY($2::uuid[])
    OR EXISTS (SELECT FROM gone WHERE gone.checkpoint_ns = w.checkpoint_ns AND gone.checkpoint_id = w.checkpoint_id))`;

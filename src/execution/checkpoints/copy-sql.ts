/** The id of a thread, where checkpoints repeat it in what they say about themselves. */
const RENAMED = `CASE WHEN metadata ? 'thread_id' THEN jsonb_set(metadata, '{thread_id}', to_jsonb($2::text)) ELSE metadata END`;

/**
 * Parts of a statement that copy all checkpoints of thread $1 to thread $2, with subgraphs and pending writes, where
 * `condition` holds. One snapshot for all: a checkpoint never comes without its values. The writes belong to no run of the
 * new thread.
 */
export const copyCheckpoints = (condition: string): string => `
  copied_checkpoints AS (
    INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
    SELECT $2::text, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, ${RENAMED}
    FROM checkpoints WHERE thread_id = $1::text AND ${condition}
  ), copied_blobs AS (
    INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
    SELECT $2::text, checkpoint_ns, channel, version, type, blob
    FROM checkpoint_blobs WHERE thread_id = $1::text AND ${condition}
  ), copied_writes AS (
    INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob)
    SELECT $2::text, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
    FROM checkpoint_writes WHERE thread_id = $1::text AND ${condition}
  )`;

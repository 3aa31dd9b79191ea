/** The metadata of a checkpoint may contain the thread id, which must be replaced. */
const RENAMED = `CASE WHEN metadata ? 'thread_id' THEN jsonb_set(metadata, '{thread_id}', to_jsonb($2::text)) ELSE metadata END`;

/**
 * CTEs that copy all checkpoints of thread $1 to thread $2, including subgraphs and pending writes, if `condition` holds.
 * All of them use one snapshot, so that no checkpoint is copied without its values. The copied writes have no run.
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

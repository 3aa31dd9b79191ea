// Deletes the checkpoints of threads and runs, and old checkpoints. A channel value is deleted with the last checkpoint that
// refers to it. Rollback of a run uses DELETE_RUNS.

/** Deletes all checkpoints of threads. */
export const DELETE_THREADS = `
  WITH blobs AS (DELETE FROM checkpoint_blobs WHERE thread_id = ANY($1)),
       writes AS (DELETE FROM checkpoint_writes WHERE thread_id = ANY($1))
  DELETE FROM checkpoints WHERE thread_id = ANY($1)`;

/** LangGraph lists here the delta channels of a checkpoint, which must be rebuilt from its ancestors. */
const UNSTORED = `c.metadata -> 'counters_since_delta_snapshot'`;

/** Those of the wanted channels that checkpoint `c` does not store either. */
const stillUnstored = (wanted: string): string => `ARRAY(
  SELECT name FROM ${wanted} AS wanted (name) WHERE NOT EXISTS (
    SELECT FROM checkpoint_blobs b WHERE b.thread_id = c.thread_id AND b.checkpoint_ns = c.checkpoint_ns
     AND b.channel = name AND b.version = c.checkpoint -> 'channel_versions' ->> name AND b.type <> 'empty'))`;

const place = (a: string, b: string): string =>
  `${a}.thread_id = ${b}.thread_id AND ${a}.checkpoint_ns = ${b}.checkpoint_ns AND ${a}.checkpoint_id = ${b}.checkpoint_id`;

/**
 * Deletes the checkpoints of threads $1 whose row `c` satisfies `deletesCheckpoint`, the writes whose row `w` satisfies
 * `deletesWrite`, and all values that only those refer to. Checkpoints that a remaining one is rebuilt from are kept, so
 * that all remaining checkpoints can be read. Returns the deleted checkpoints.
 */
const deleteCheckpoints = (deletesCheckpoint: string, deletesWrite = 'false'): string => `
  WITH RECURSIVE doomed AS MATERIALIZED (
    SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints c WHERE thread_id = ANY($1) AND (${deletesCheckpoint})
  ), needed (thread_id, checkpoint_ns, checkpoint_id, channels) AS (
    SELECT c.thread_id, c.checkpoint_ns, c.parent_checkpoint_id, ${stillUnstored(`jsonb_object_keys(${UNSTORED})`)}
    FROM checkpoints c JOIN doomed d ON d.thread_id = c.thread_id AND d.checkpoint_ns = c.checkpoint_ns
     AND d.checkpoint_id = c.parent_checkpoint_id
    WHERE ${UNSTORED} IS NOT NULL AND NOT EXISTS (SELECT FROM doomed WHERE ${place('doomed', 'c')})
    UNION
    SELECT c.thread_id, c.checkpoint_ns, c.parent_checkpoint_id, ${stillUnstored('unnest(needed.channels)')}
    FROM needed JOIN checkpoints c ON ${place('c', 'needed')} WHERE cardinality(needed.channels) > 0
  ), rebuilt AS MATERIALIZED (
    SELECT DISTINCT thread_id, checkpoint_ns, checkpoint_id FROM needed WHERE cardinality(channels) > 0
  ), gone AS (
    DELETE FROM checkpoints c USING doomed
    WHERE ${place('c', 'doomed')} AND NOT EXISTS (SELECT FROM rebuilt WHERE ${place('rebuilt', 'c')})
    RETURNING c.thread_id, c.checkpoint_ns, c.checkpoint_id
  ), writes AS (
    DELETE FROM checkpoint_writes w WHERE thread_id = ANY($1)
     AND ((${deletesWrite}) OR EXISTS (SELECT FROM doomed WHERE ${place('doomed', 'w')}))
     AND NOT EXISTS (SELECT FROM rebuilt WHERE ${place('rebuilt', 'w')})
  ), used AS MATERIALIZED (
    SELECT DISTINCT c.thread_id, c.checkpoint_ns, v.key AS channel, v.value AS version
    FROM checkpoints c, jsonb_each_text(c.checkpoint -> 'channel_versions') v
    WHERE c.thread_id = ANY($1) AND (NOT EXISTS (SELECT FROM doomed WHERE ${place('doomed', 'c')})
      OR EXISTS (SELECT FROM rebuilt WHERE ${place('rebuilt', 'c')}))
  ), blobs AS (
    DELETE FROM checkpoint_blobs b WHERE thread_id = ANY($1) AND NOT EXISTS (
      SELECT FROM used u WHERE u.thread_id = b.thread_id AND u.checkpoint_ns = b.checkpoint_ns
       AND u.channel = b.channel AND u.version = b.version)
  ) SELECT thread_id, checkpoint_ns, checkpoint_id FROM gone`;

/** Deletes what runs $2 of threads $1 wrote: their checkpoints, and their writes to checkpoints of other runs. */
export const DELETE_RUNS = deleteCheckpoints(`metadata ->> 'run_id' = ANY($2)`, `w.run_id = ANY($2::uuid[])`);

/** Deletes all but the newest checkpoint of each namespace of threads $1. */
export const DELETE_OLD_CHECKPOINTS = deleteCheckpoints(
  `EXISTS (SELECT FROM checkpoints newer WHERE newer.thread_id = c.thread_id AND newer.checkpoint_ns = c.checkpoint_ns
    AND newer.checkpoint_id > c.checkpoint_id)`,
);

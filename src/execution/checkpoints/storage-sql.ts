/** Counts and bytes of the checkpoints of thread $1 (contract 2.13). Returns one row. */
export const STORAGE = `
  WITH channel AS (
    SELECT channel, count(*) AS versions, coalesce(sum(octet_length(blob)), 0) AS bytes
    FROM checkpoint_blobs WHERE thread_id = $1 GROUP BY channel
  ), checkpoint AS (
    SELECT count(*) AS count, coalesce(sum(pg_column_size(checkpoint) + pg_column_size(metadata)), 0) AS bytes
    FROM checkpoints WHERE thread_id = $1
  ), write AS (
    SELECT count(*) AS count, coalesce(sum(octet_length(blob)), 0) AS bytes FROM checkpoint_writes WHERE thread_id = $1
  )
  SELECT json_build_object('count', checkpoint.count, 'bytes', checkpoint.bytes) AS checkpoints,
         json_build_object('count', write.count, 'bytes', write.bytes) AS pending_writes,
         (SELECT json_build_object(
            'count', coalesce(sum(versions), 0), 'bytes', coalesce(sum(bytes), 0),
            'by_channel', coalesce(json_object_agg(channel, json_build_object('versions', versions, 'bytes', bytes)), '{}'))
          FROM channel) AS channel_values
  FROM checkpoint, write`;

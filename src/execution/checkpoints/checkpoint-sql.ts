import type { CheckpointTuple } from '@langchain/langgraph';

/** LangGraph's channel for Sends. */
export const TASKS = '__pregel_tasks';

/** A serialized value. JSON is read as a string, because bytea is sent in hexadecimal digits, twice as long. */
interface StoredValue {
  type: string;
  json: string | null;
  blob: Buffer | null;
}

/**
 * One row of {@link selectTuples}: a checkpoint (`c`), one of its channel values (`b`), a `Send` in the writes of its
 * parent by an older LangGraph (`s`), or one of its pending writes (`w`). Plain rows, because node-postgres takes twenty
 * times as long to parse arrays of bytea.
 */
export type TupleRow =
  | {
      kind: 'c';
      thread: string;
      ns: string;
      id: string;
      parent_id: string | null;
      checkpoint: StoredCheckpoint;
      type: 'json';
      /** Metadata. */
      json: string;
      blob: null;
    }
  | ({ kind: 'b'; thread: string; ns: string; channel: string; version: string } & StoredValue)
  | ({ kind: 's'; thread: string; ns: string; id: string } & StoredValue)
  | ({ kind: 'w'; thread: string; ns: string; id: string; task_id: string; channel: string } & StoredValue);

export type StoredCheckpoint = Omit<CheckpointTuple['checkpoint'], 'channel_values'>;

/** The columns of a {@link StoredValue} in a table. */
const value = (table: string): string => `
  ${table}.type, CASE ${table}.type WHEN 'json' THEN convert_from(${table}.blob, 'UTF8') END AS json,
  CASE ${table}.type WHEN 'json' THEN NULL ELSE ${table}.blob END AS blob`;

/** The order in which LangGraph replays writes: by code points. Databases may have another default collation. */
const replayOrder = (path: string, task_id: string, idx: string): string =>
  `${path} COLLATE "C", ${task_id} COLLATE "C", ${idx}`;

const selectWrites = (channels: string | undefined): string => `
  UNION ALL
  SELECT CASE w.checkpoint_id WHEN cp.checkpoint_id THEN 'w' ELSE 's' END, w.thread_id, w.checkpoint_ns,
         cp.checkpoint_id, NULL, NULL, w.channel, NULL, w.task_id, ${value('w')}, w.task_path, w.idx
  FROM cp JOIN checkpoint_writes w ON w.thread_id = cp.thread_id AND w.checkpoint_ns = cp.checkpoint_ns
   AND w.checkpoint_id = ANY(ARRAY[
     cp.checkpoint_id, CASE WHEN cp.checkpoint -> 'v' < '4' THEN cp.parent_checkpoint_id END])
   AND (w.checkpoint_id = cp.checkpoint_id OR w.channel = '${TASKS}')
   ${channels ? `AND w.channel = ANY(${channels}::text[])` : ''}`;

/** Which parts of a checkpoint are read. */
export interface TupleSelection {
  /** SQL: an array of the channels whose values are read; absent: all. */
  channels?: string;
  /** SQL: an array of the channels whose pending writes are read; absent: all. */
  writes?: string;
}

/**
 * Selects checkpoints that satisfy `where`, newest first, each with everything it refers to, in one round trip.
 *
 * Before version 4 of the format, checkpoints had no channel for Sends: the Sends of the previous superstep are in the
 * parent's writes. A separate UNION for them would make every read a third slower, because PostgreSQL plans it each time.
 * LATERAL with OFFSET looks up each value by its key. Otherwise PostgreSQL, which does not know how few there are, would
 * scan the whole table.
 */
export const selectTuples = (where: string, limit: string, { channels, writes }: TupleSelection): string => `
  WITH cp AS MATERIALIZED (
    SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata
    FROM checkpoints WHERE ${where} ORDER BY checkpoint_id DESC ${limit}
  )
  SELECT * FROM (
  SELECT 'c' AS kind, thread_id AS thread, checkpoint_ns AS ns, checkpoint_id AS id, parent_checkpoint_id AS parent_id,
         checkpoint, NULL AS channel, NULL AS version, NULL AS task_id, 'json' AS type, metadata::text AS json,
         NULL::bytea AS blob, '' AS path, 0 AS idx
  FROM cp
  UNION ALL
  SELECT 'b', b.thread_id, b.checkpoint_ns, NULL, NULL, NULL, b.channel, b.version, NULL, ${value('b')}, '', 0
  FROM (SELECT DISTINCT cp.thread_id, cp.checkpoint_ns, v.key, v.value
        FROM cp, jsonb_each_text(cp.checkpoint -> 'channel_versions') v
        ${channels ? `WHERE v.key = ANY(${channels}::text[])` : ''}) used
  CROSS JOIN LATERAL (
    SELECT * FROM checkpoint_blobs b WHERE b.thread_id = used.thread_id AND b.checkpoint_ns = used.checkpoint_ns
     AND b.channel = used.key AND b.version = used.value OFFSET 0) b
  WHERE b.type <> 'empty'
  ${selectWrites(writes)}
  ) parts ORDER BY kind, id DESC, ${replayOrder('path', 'task_id', 'idx')}`;

/** One row of {@link selectDeltaHistory}: a write to a channel, or its stored base value if `task_id` is null. */
export type HistoryRow = { channel: string; task_id: string | null } & StoredValue;

/**
 * Selects the writes that rebuild delta channels, which are not stored with each checkpoint, oldest first. For each
 * channel, it walks from the parent of a checkpoint ($4, or the newest one of the namespace) to the nearest ancestor that
 * stores the channel.
 */
export const selectDeltaHistory = (hasId: boolean): string => `
  WITH RECURSIVE target AS (
    SELECT parent_checkpoint_id FROM checkpoints
    WHERE thread_id = $1 AND checkpoint_ns = $2 ${hasId ? 'AND checkpoint_id = $4' : ''}
    ORDER BY checkpoint_id DESC LIMIT 1
  ), walk AS (
    SELECT 0 AS step, NULL AS id, parent_checkpoint_id AS parent_id, NULL::jsonb AS versions,
           NULL::text[] AS wanted, $3::text[] AS remaining
    FROM target
    UNION ALL
    SELECT walk.step + 1, c.checkpoint_id, c.parent_checkpoint_id, c.checkpoint -> 'channel_versions',
           walk.remaining,
           ARRAY(SELECT channel FROM unnest(walk.remaining) channel WHERE NOT EXISTS (
             SELECT FROM checkpoint_blobs b
             WHERE b.thread_id = $1 AND b.checkpoint_ns = $2 AND b.channel = channel.channel
               AND b.version = c.checkpoint -> 'channel_versions' ->> channel.channel AND b.type <> 'empty'))
    FROM walk JOIN checkpoints c ON c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id = walk.parent_id
    WHERE cardinality(walk.remaining) > 0
  )
  SELECT channel, task_id, type, json, blob FROM (
    SELECT walk.step, w.channel, w.task_id, ${value('w')}, w.task_path AS path, w.idx
    FROM walk JOIN checkpoint_writes w ON w.thread_id = $1 AND w.checkpoint_ns = $2 AND w.checkpoint_id = walk.id
     AND w.channel = ANY(walk.wanted)
    UNION ALL
    SELECT walk.step, b.channel, NULL, ${value('b')}, '', 0
    FROM walk JOIN checkpoint_blobs b ON b.thread_id = $1 AND b.checkpoint_ns = $2 AND b.channel = ANY(walk.wanted)
     AND b.channel <> ALL(walk.remaining) AND b.version = walk.versions ->> b.channel
  ) parts ORDER BY step DESC, ${replayOrder('path', 'task_id', 'idx')}`;

/** Fencing: a write takes effect only while the run still holds this lease. */
export interface Fence {
  run_id: string;
  lease_token: string;
}

/** Rows from parameters, one array per column: the statement is the same for any number of rows. */
const rowsOf = (at: number, columns: Record<string, string>): string => {
  const arrays = Object.values(columns).map((type, index) => `$${at + index}::${type}[]`);
  return `unnest(${arrays.join(', ')}) AS new (${Object.keys(columns).join(', ')})`;
};

const BLOB_COLUMNS = {
  thread_id: 'text',
  ns: 'text',
  channel: 'text',
  version: 'text',
  type: 'text',
  start: 'integer',
  length: 'integer',
};
const CHECKPOINT_COLUMNS = {
  thread_id: 'text',
  ns: 'text',
  id: 'text',
  parent_id: 'text',
  checkpoint: 'text',
  metadata: 'text',
};
const WRITE_COLUMNS = {
  thread_id: 'text',
  ns: 'text',
  id: 'text',
  task_id: 'text',
  path: 'text',
  idx: 'integer',
  channel: 'text',
  type: 'text',
  start: 'integer',
  length: 'integer',
  replaces: 'boolean',
};
const [CHECKPOINTS_AT, BLOBS_AT, WRITES_AT, LEASE_AT] = [2, 8, 15, 26];

/** One value, cut out of the bytes of all values, see {@link packValues}. */
const CUT_OUT = 'substring($1::bytea FROM new.start FOR new.length)';

/**
 * Writes any number of checkpoints, channel values and pending writes in one statement, all or nothing.
 *
 * Fencing: the statement itself checks the lease, so that the lease cannot be lost between check and write. `held` is
 * false when the lease is lost and nothing was written. FOR SHARE: another worker that takes over the lease waits until
 * an in-flight write has committed, and no later write succeeds.
 */
export function saveRows(isFenced: boolean): string {
  const held = 'EXISTS (SELECT FROM owner)';
  const writes = (which: string): string => `
      INSERT INTO checkpoint_writes
        (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, run_id, idx, channel, type, blob)
      SELECT new.thread_id, new.ns, new.id, new.task_id, new.path, ${isFenced ? `$${LEASE_AT}::uuid` : 'NULL::uuid'},
             new.idx, new.channel, new.type, ${CUT_OUT}
      FROM ${rowsOf(WRITES_AT, WRITE_COLUMNS)} WHERE ${which} AND ${held}
      ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)`;
  return `
    WITH owner AS MATERIALIZED (
      SELECT 1 ${isFenced ? `FROM runs WHERE run_id = $${LEASE_AT}::uuid AND lease_token = $${LEASE_AT + 1}::uuid FOR SHARE` : ''}
    ), blobs AS (
      INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
      SELECT new.thread_id, new.ns, new.channel, new.version, new.type, ${CUT_OUT}
      FROM ${rowsOf(BLOBS_AT, BLOB_COLUMNS)} WHERE ${held}
      ON CONFLICT DO NOTHING
    ), checkpoint AS (
      INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
      SELECT new.thread_id, new.ns, new.id, new.parent_id, new.checkpoint::jsonb, new.metadata::jsonb
      FROM ${rowsOf(CHECKPOINTS_AT, CHECKPOINT_COLUMNS)} WHERE ${held}
      ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)
      DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata
    ), ordinary AS (${writes('NOT new.replaces')} DO NOTHING
    ), replacing AS (${writes('new.replaces')}
      DO UPDATE SET channel = EXCLUDED.channel, type = EXCLUDED.type, blob = EXCLUDED.blob
    ) SELECT ${held} AS held`;
}

/** Returns one row if the thread has this checkpoint. */
export const FIND_CHECKPOINT =
  'SELECT FROM checkpoints WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = $3';

/**
 * Checks that thread $1 still has the checkpoints that a draft was computed from: the newest ones of the namespaces $2 are
 * $3 (null for none), and the checkpoints $5 of the namespaces $4 exist.
 */
export const DRAFT_IS_CURRENT = `
  SELECT NOT EXISTS (
    SELECT FROM unnest($2::text[], $3::text[]) AS read (ns, id)
    WHERE read.id IS DISTINCT FROM (
      SELECT checkpoint_id FROM checkpoints WHERE thread_id = $1 AND checkpoint_ns = read.ns
      ORDER BY checkpoint_id DESC LIMIT 1)
  ) AND NOT EXISTS (
    SELECT FROM unnest($4::text[], $5::text[]) AS named (ns, id)
    WHERE NOT EXISTS (
      SELECT FROM checkpoints
      WHERE thread_id = $1 AND checkpoint_ns = named.ns AND checkpoint_id = named.id)
  ) AS is_current`;

/** Selects the newest root checkpoint that a run wrote. */
export const LAST_CHECKPOINT_OF_RUN = `
  SELECT checkpoint_id, NOT EXISTS (
           SELECT FROM checkpoints later WHERE later.thread_id = $1 AND later.checkpoint_ns = ''
             AND later.checkpoint_id > checkpoints.checkpoint_id) AS is_newest
  FROM checkpoints
  WHERE thread_id = $1 AND checkpoint_ns = '' AND metadata ->> 'run_id' = $2 ORDER BY checkpoint_id DESC LIMIT 1`;

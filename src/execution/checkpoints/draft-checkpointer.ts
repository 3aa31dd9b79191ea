import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  copyCheckpoint,
} from '@langchain/langgraph';
import type { Queryable } from '../../database/index.js';
import type { CheckpointConfig } from '../graphs/graph.js';
import { addRows, bytesOf, type CheckpointRows, type WriteRow } from './checkpoint-rows.js';
import { DRAFT_IS_CURRENT } from './checkpoint-sql.js';
import { DraftTooLargeError } from './checkpoints.errors.js';
import { PostgresCheckpointer, saveCheckpoints } from './postgres-checkpointer.js';

type Write = NonNullable<CheckpointTuple['pendingWrites']>[number];

/** A checkpoint that the draft has read; `checkpoint_id` is null when the namespace had none. */
interface Basis {
  checkpoint_ns: string;
  checkpoint_id: string | null;
}

/**
 * Collects checkpoints now and writes them later, so that the graph's own code runs without an open transaction. Reads go
 * to the database and also see the draft's own checkpoints. {@link write} stores all of them in the caller's transaction,
 * unless a checkpoint that they were computed from is no longer current.
 */
export class DraftCheckpointer extends PostgresCheckpointer {
  private readonly rows: CheckpointRows = { checkpoints: [], blobs: [], writes: [] };
  private readonly tuples: CheckpointTuple[] = [];
  private bytes = 0;
  /** The newest checkpoint that was read, by namespace. */
  private readonly newest = new Map<string, Basis>();
  /** Checkpoints that were read by id. */
  private readonly named: Basis[] = [];

  constructor(
    db: Queryable,
    private readonly thread_id: string,
    /** A larger draft fails with a {@link DraftTooLargeError}. */
    private readonly maxBytes = Infinity,
  ) {
    super(db);
  }

  override async getTuple(config: CheckpointConfig): Promise<CheckpointTuple | undefined> {
    const { checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const own = this.ownTuple(checkpoint_ns, checkpoint_id);
    if (own && checkpoint_id) {
      return this.withOwnWrites(own);
    }
    const stored = await super.getTuple(config);
    this.note({ checkpoint_ns, checkpoint_id: stored?.checkpoint.id ?? null }, checkpoint_id !== undefined);
    const tuple = own && !(stored && stored.checkpoint.id > own.checkpoint.id) ? own : stored;
    return tuple && this.withOwnWrites(tuple);
  }

  override async put(
    config: CheckpointConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: Record<string, string | number>,
  ): Promise<CheckpointConfig> {
    const { thread_id, checkpoint_ns = '', checkpoint_id: parent_id } = config.configurable ?? {};
    // Without I/O between its supersteps, a long draft would keep all other requests waiting.
    await nextTurn();
    const saved = await super.put(config, checkpoint, metadata, newVersions);
    const parent = { configurable: { thread_id, checkpoint_ns, checkpoint_id: parent_id } };
    this.tuples.push({
      config: saved,
      checkpoint: { ...copyCheckpoint(checkpoint), channel_values: await this.storedValues(checkpoint, checkpoint_ns) },
      metadata,
      parentConfig: parent_id ? parent : undefined,
    });
    return saved;
  }

  /** Walks ancestor by ancestor once the draft has checkpoints: a single statement sees only stored ones. */
  override getDeltaChannelHistory(
    options: Parameters<PostgresCheckpointer['getDeltaChannelHistory']>[0],
  ): ReturnType<PostgresCheckpointer['getDeltaChannelHistory']> {
    return this.tuples.length > 0
      ? BaseCheckpointSaver.prototype.getDeltaChannelHistory.call(this, options)
      : super.getDeltaChannelHistory(options);
  }

  /**
   * Stores the draft in the transaction of `db`, which has locked the thread. Writes nothing and returns false when a
   * checkpoint that the draft was computed from is deleted or superseded.
   */
  async write(db: Queryable): Promise<boolean> {
    const newest = [...this.newest.values()];
    const { rows } = await db.query<{ is_current: boolean }>(DRAFT_IS_CURRENT, [
      this.thread_id,
      newest.map(({ checkpoint_ns }) => checkpoint_ns),
      newest.map(({ checkpoint_id }) => checkpoint_id),
      this.named.map(({ checkpoint_ns }) => checkpoint_ns),
      this.named.map(({ checkpoint_id }) => checkpoint_id),
    ]);
    if (rows[0].is_current) {
      await saveCheckpoints(db, this.rows);
    }
    return rows[0].is_current;
  }

  protected override save(rows: CheckpointRows): Promise<void> {
    this.bytes += bytesOf(rows);
    if (this.bytes > this.maxBytes) {
      return Promise.reject(new DraftTooLargeError(this.maxBytes));
    }
    addRows(this.rows, rows);
    return Promise.resolve();
  }

  /** Keeps the first read of a namespace: the draft was computed from it, so it must still be current at the write. */
  private note(basis: Basis, isNamed: boolean): void {
    if (!isNamed) {
      const known = this.newest.get(basis.checkpoint_ns) ?? basis;
      this.newest.set(basis.checkpoint_ns, known);
    } else if (basis.checkpoint_id !== null) {
      this.named.push(basis);
    }
  }

  private ownTuple(checkpoint_ns: string, checkpoint_id: string | undefined): CheckpointTuple | undefined {
    return this.tuples.findLast(
      ({ config, checkpoint }) =>
        config.configurable?.checkpoint_ns === checkpoint_ns && (!checkpoint_id || checkpoint.id === checkpoint_id),
    );
  }

  /** The values of a checkpoint as a read from the database would return them. */
  private async storedValues(checkpoint: Checkpoint, checkpoint_ns: string): Promise<Record<string, unknown>> {
    const values = { ...checkpoint.channel_values };
    const blobs = this.rows.blobs.filter(
      (blob) =>
        blob.checkpoint_ns === checkpoint_ns && blob.version === String(checkpoint.channel_versions[blob.channel]),
    );
    for (const { channel, value } of blobs) {
      const [type, bytes] = value;
      if (bytes === null) {
        delete values[channel];
      } else {
        values[channel] = await this.serde.loadsTyped(type, bytes);
      }
    }
    return values;
  }

  private async withOwnWrites(tuple: CheckpointTuple): Promise<CheckpointTuple> {
    const { checkpoint_ns = '', checkpoint_id } = tuple.config.configurable ?? {};
    const stored = tuple.pendingWrites ?? [];
    // A task with stored writes keeps them, as in the table.
    const hasWritten = new Set(stored.map(([task_id]) => task_id));
    const own = this.rows.writes
      .filter((write) => write.checkpoint_ns === checkpoint_ns && write.checkpoint_id === checkpoint_id)
      .filter(({ task_id, replaces }) => replaces || !hasWritten.has(task_id))
      .sort(inReplayOrder);
    const writes = await Promise.all(
      own.map(async ({ task_id, channel, value }): Promise<Write> => {
        const [type, bytes] = value;
        return [task_id, channel, bytes === null ? undefined : await this.serde.loadsTyped(type, bytes)];
      }),
    );
    return { ...tuple, checkpoint: copyCheckpoint(tuple.checkpoint), pendingWrites: [...stored, ...writes] };
  }
}

function inReplayOrder(a: WriteRow, b: WriteRow): number {
  return compare(a.task_path, b.task_path) || compare(a.task_id, b.task_id) || a.idx - b.idx;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

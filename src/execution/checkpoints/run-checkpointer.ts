import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BaseCheckpointSaver,
  copyCheckpoint,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from '@langchain/langgraph';
import type { CheckpointConfig } from '../graphs/graph.js';
import type { Queryable } from '../../database/index.js';
import { addRows, type CheckpointRows } from './checkpoint-rows.js';
import type { Fence } from './checkpoint-sql.js';
import { PostgresCheckpointer } from './postgres-checkpointer.js';

/** The run that a checkpointer writes for. */
export interface CheckpointOwner extends Fence {
  /** Added to the metadata of every checkpoint of the run. Must not contain credentials. */
  metadata: Record<string, unknown>;
  /** Resolves when the superstep may be committed: its events are stored. */
  ready?: () => Promise<void>;
}

/**
 * The checkpointer of one run. It adds the run's metadata to checkpoints. Fencing: it writes only while the run holds its
 * lease. It caches the newest root checkpoint, so that reading the final state needs no further round trip.
 */
export class RunCheckpointer extends PostgresCheckpointer {
  private newest?: CheckpointTuple;
  /** Checkpoints with pending writes. They are read from the database, which returns the writes in replay order. */
  private readonly written = new Set<string>();
  private readonly inFlight = new Set<Promise<unknown>>();
  /** The batch of the next statement. */
  private next?: { rows: CheckpointRows; saved: Promise<void> };
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    db: Queryable,
    private readonly owner: CheckpointOwner,
  ) {
    super(db, owner);
  }

  /** True when an earlier attempt of the run wrote a checkpoint. The graph then reads it from the cache. */
  async hasBegun(thread_id: string): Promise<boolean> {
    this.newest = await super.getTuple({ configurable: { thread_id, checkpoint_ns: '' } });
    return (this.newest?.metadata as { run_id?: string } | undefined)?.run_id === this.owner.run_id;
  }

  override async getTuple(config: CheckpointConfig): Promise<CheckpointTuple | undefined> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const newest = checkpoint_ns === '' && !checkpoint_id ? this.newestOf(thread_id) : undefined;
    if (newest && !this.written.has(newest.checkpoint.id)) {
      return { ...newest, checkpoint: copyCheckpoint(newest.checkpoint) };
    }
    return super.getTuple(config);
  }

  override async put(
    config: CheckpointConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: Record<string, string | number>,
  ): Promise<CheckpointConfig> {
    const stamped = { ...this.owner.metadata, ...metadata };
    const saved = await this.track(super.put(config, checkpoint, stamped, newVersions));
    this.remember({
      config: saved,
      checkpoint,
      metadata: stamped,
      parentConfig: parentOf(config),
      pendingWrites: [],
    });
    return saved;
  }

  override async putWrites(
    config: CheckpointConfig,
    writes: [channel: string, value: unknown][],
    taskId: string,
    taskPath?: string,
  ): Promise<void> {
    // Before the statement, because it may run concurrently with the one that writes the checkpoint itself.
    this.written.add(String(config.configurable?.checkpoint_id));
    await this.track(super.putWrites(config, writes, taskId, taskPath));
  }

  override async deleteThread(threadId: string): Promise<void> {
    this.newest = undefined;
    await super.deleteThread(threadId);
  }

  /**
   * Resolves when every requested write has succeeded or failed. An aborted graph throws at once, while checkpoints of
   * finished supersteps may still be in flight: LangGraph writes one after the other.
   */
  async settled(): Promise<void> {
    // A finished write starts the next one within the same turn.
    for (await nextTurn(); this.inFlight.size > 0; await nextTurn()) {
      await Promise.allSettled(this.inFlight);
    }
  }

  /**
   * Runs one statement at a time. Everything that a graph writes within one turn, or during a statement, is batched into
   * the next one: the writes of a superstep's tasks and the following checkpoint take one round trip.
   */
  protected override save(rows: CheckpointRows): Promise<void> {
    if (this.next) {
      addRows(this.next.rows, rows);
      return this.next.saved;
    }
    const batch: CheckpointRows = { checkpoints: [], blobs: [], writes: [] };
    addRows(batch, rows);
    const saved = this.last
      .then(() => nextTurn())
      .then(() => {
        // Nothing is added to the batch after `ready` is called.
        this.next = undefined;
        return this.owner.ready?.();
      })
      .then(() => super.save(batch));
    this.next = { rows: batch, saved };
    this.last = saved.catch(() => undefined);
    return saved;
  }

  /** Checkpoint ids increase with time: the newest checkpoint of a thread has the highest id. */
  private remember(tuple: CheckpointTuple): void {
    const { thread_id, checkpoint_ns } = tuple.config.configurable ?? {};
    const known = this.newestOf(thread_id);
    if (checkpoint_ns === '' && !(known && known.checkpoint.id > tuple.checkpoint.id)) {
      this.newest = tuple;
    }
  }

  private newestOf(thread_id: unknown): CheckpointTuple | undefined {
    return this.newest?.config.configurable?.thread_id === thread_id ? this.newest : undefined;
  }

  private async track<T>(write: Promise<T>): Promise<T> {
    this.inFlight.add(write);
    try {
      return await write;
    } finally {
      this.inFlight.delete(write);
    }
  }
}

const parentOf = ({ configurable: { thread_id, checkpoint_ns = '', checkpoint_id } = {} }: CheckpointConfig) =>
  checkpoint_id ? { configurable: { thread_id, checkpoint_ns, checkpoint_id } } : undefined;

/**
 * Stores nothing. Stateless runs use it, because their thread is deleted anyway but interrupts inside a run require a
 * checkpointer.
 */
export class DiscardingCheckpointer extends BaseCheckpointSaver {
  override getTuple(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- nothing to list, by contract
  override async *list(): AsyncGenerator<CheckpointTuple> {
    return;
  }

  override put(config: CheckpointConfig, { id }: Checkpoint): Promise<CheckpointConfig> {
    const { thread_id, checkpoint_ns = '' } = config.configurable ?? {};
    return Promise.resolve({ configurable: { thread_id, checkpoint_ns, checkpoint_id: id } });
  }

  override putWrites(): Promise<void> {
    return Promise.resolve();
  }

  override deleteThread(): Promise<void> {
    return Promise.resolve();
  }
}

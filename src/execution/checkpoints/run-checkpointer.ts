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

/** The run a checkpointer writes for. */
export interface CheckpointOwner extends Fence {
  /** Goes into the metadata of every checkpoint of the run; no credentials. */
  metadata: Record<string, unknown>;
  /** Resolves when the superstep may be committed: what it has told others is safe. */
  ready?: () => Promise<void>;
}

/**
 * The checkpointer of one run: stamps its checkpoints with the run's metadata, writes only while the run's lease is
 * held, and remembers the newest root checkpoint, so that the final state is read without another round trip.
 */
export class RunCheckpointer extends PostgresCheckpointer {
  private newest?: CheckpointTuple;
  /** Checkpoints with pending writes: those are in the database alone, in the order in which a read gives them. */
  private readonly written = new Set<string>();
  private readonly underWay = new Set<Promise<unknown>>();
  /** What goes with the next statement. */
  private next?: { rows: CheckpointRows; saved: Promise<void> };
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    db: Queryable,
    private readonly owner: CheckpointOwner,
  ) {
    super(db, owner);
  }

  /** True when an earlier attempt of the run has left a checkpoint. The graph then reads it without a round trip. */
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
    // Before the statement: it may be under way at the same time as the one that writes the checkpoint itself.
    this.written.add(String(config.configurable?.checkpoint_id));
    await this.track(super.putWrites(config, writes, taskId, taskPath));
  }

  override async deleteThread(threadId: string): Promise<void> {
    this.newest = undefined;
    await super.deleteThread(threadId);
  }

  /**
   * Resolves when everything the graph has asked for is written, or has failed. A graph that is aborted throws at once,
   * with the checkpoints of finished supersteps still on their way: LangGraph sends one after the other.
   */
  async settled(): Promise<void> {
    // A write that ends starts the next one within the turn.
    for (await nextTurn(); this.underWay.size > 0; await nextTurn()) {
      await Promise.allSettled(this.underWay);
    }
  }

  /**
   * One statement at a time. What a graph writes within one turn, or while a statement is under way, goes with the next
   * one: the writes of a superstep's tasks and the checkpoint after them are one round trip.
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
        // From here on nothing is added that `ready` does not know of.
        this.next = undefined;
        return this.owner.ready?.();
      })
      .then(() => super.save(batch));
    this.next = { rows: batch, saved };
    this.last = saved.catch(() => undefined);
    return saved;
  }

  /** Ids grow with time, and the newest checkpoint of a thread is the one with the highest. */
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
    this.underWay.add(write);
    try {
      return await write;
    } finally {
      this.underWay.delete(write);
    }
  }
}

const parentOf = ({ configurable: { thread_id, checkpoint_ns = '', checkpoint_id } = {} }: CheckpointConfig) =>
  checkpoint_id ? { configurable: { thread_id, checkpoint_ns, checkpoint_id } } : undefined;

/**
 * Keeps nothing: for stateless runs whose thread is deleted anyway. It is there because interrupts inside a run need
 * a checkpointer.
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

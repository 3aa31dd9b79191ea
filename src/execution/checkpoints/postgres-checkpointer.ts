import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from '@langchain/langgraph';
import { jsonbText, toJsonb, UnserializableValueError } from '../../common/index.js';
import { type Queryable, SqlParameters } from '../../database/index.js';
import type { CheckpointConfig } from '../graphs/graph.js';
import { LeaseLostError } from './lease-lost.error.js';
import { type CheckpointRows, toParameters } from './checkpoint-rows.js';
import type { DumpedValue } from './pack-values.js';
import { CheckpointSerializer } from './serde/checkpoint-serializer.js';
import { TupleParts } from './tuple-parts.js';
import { DELETE_THREADS } from './delete-sql.js';
import {
  type Fence,
  type HistoryRow,
  saveRows,
  selectDeltaHistory,
  selectTuples,
  type TupleRow,
} from './checkpoint-sql.js';

/** A missing id is not checked here: the database rejects it. */
const keyOf = (thread_id: string | undefined, checkpoint_ns: string, checkpoint_id: string | undefined) => ({
  thread_id: thread_id as string,
  checkpoint_ns,
  checkpoint_id: checkpoint_id as string,
});

const SAVE_ROWS = saveRows(false);
const SAVE_ROWS_IF_HELD = saveRows(true);

/** `idx` of special writes, below those of ordinary ones. All LangGraph savers use the same numbers. */
const SPECIAL_WRITES = new Map([
  ['__error__', -1],
  ['__scheduled__', -2],
  ['__interrupt__', -3],
  ['__resume__', -4],
]);

/** Writes all rows or fails. With a `fence`, throws {@link LeaseLostError} when its lease is lost. */
export async function saveCheckpoints(db: Queryable, rows: CheckpointRows, fence?: Fence): Promise<void> {
  const lease = fence ? [fence.run_id, fence.lease_token] : [];
  const statement = fence ? SAVE_ROWS_IF_HELD : SAVE_ROWS;
  const { rows: [result] } = await db.query<{ held: boolean }>(statement, [...toParameters(rows), ...lease]); // prettier-ignore
  if (!result?.held) {
    throw new LeaseLostError();
  }
}

export interface ListOptions {
  limit?: number;
  before?: CheckpointConfig;
  filter?: Record<string, unknown>;
}

/** A column with an operator, and the value to compare with. */
type Condition = [comparison: string, value: unknown];

/** A part of a checkpoint to read. */
export interface CheckpointSelection {
  /** Channels whose values are read. */
  channels: string[];
  /** Channels whose pending writes are read; absent: all. */
  writes?: string[];
}

/** Checkpoints per page of a history. */
const PAGE_SIZE = 20;

type Config = CheckpointConfig;
type Tuple = CheckpointTuple;
type DeltaHistoryOptions = Parameters<BaseCheckpointSaver['getDeltaChannelHistory']>[0];
type DeltaHistories = Awaited<ReturnType<BaseCheckpointSaver['getDeltaChannelHistory']>>;

/**
 * LangGraph's checkpointer on its official Postgres tables, through the shared pool or the connection of a transaction.
 * One statement writes any number of checkpoints, channel values and pending writes. A read takes one round trip.
 */
export class PostgresCheckpointer extends BaseCheckpointSaver {
  /**
   * With a `fence`, writes fail with {@link LeaseLostError} once its lease is lost. With `only`, checkpoints are read
   * partially and must not be written back.
   */
  constructor(
    private readonly db: Queryable,
    private readonly fence?: Fence,
    private readonly only?: CheckpointSelection,
  ) {
    super(new CheckpointSerializer());
  }

  /**
   * Returns a version that no other branch of the thread uses. Channel values are stored by version: two forks of one
   * checkpoint that both counted from 3 to 4 would share one value. The fraction is random. Other savers, which add 1,
   * can continue from it. See docs/decisions/0002-channel-versions.md.
   */
  override getNextVersion(current: number | undefined): number {
    const fraction = 1 + Math.floor(Math.random() * 999_998);
    return (Math.floor((current ?? 0) + 1) * 1_000_000 + fraction) / 1_000_000;
  }

  override async getTuple(config: Config): Promise<Tuple | undefined> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const conditions: Condition[] = [
      ['thread_id =', thread_id],
      ['checkpoint_ns =', checkpoint_ns],
    ];
    if (checkpoint_id) {
      conditions.push(['checkpoint_id =', checkpoint_id]);
    }
    const [tuple] = await this.select(conditions, 1);
    return tuple && !checkpoint_id ? withPendingInterrupts(tuple) : tuple;
  }

  /** Newest first. The history of a thread is read page by page, as the caller iterates. */
  override async *list(config: Config, { limit, before, filter }: ListOptions = {}): AsyncGenerator<Tuple> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    const conditions = (
      [
        ['thread_id =', thread_id || undefined],
        ['checkpoint_ns =', checkpoint_ns],
        ['checkpoint_id =', checkpoint_id || undefined],
        ['checkpoint_id <', before?.configurable?.checkpoint_id],
        ['metadata @>', filter && Object.keys(filter).length > 0 ? toJsonb(filter) : undefined],
      ] satisfies Condition[]
    ).filter(([, value]) => value !== undefined && value !== null);
    // Checkpoint ids are unique only within a namespace of a thread, and pagination needs unique ids.
    const isHistory = Boolean(thread_id) && checkpoint_ns !== undefined;
    let left = limit === undefined ? undefined : Math.trunc(limit);
    let after: Condition[] = [];
    let isLast = false;
    while (!isLast) {
      const page = isHistory ? Math.min(left ?? PAGE_SIZE, PAGE_SIZE) : left;
      const tuples = await this.select([...conditions, ...after], page);
      yield* tuples;
      left = left === undefined ? undefined : left - tuples.length;
      isLast = !isHistory || tuples.length < PAGE_SIZE || left === 0;
      after = [['checkpoint_id <', tuples.at(-1)?.config.configurable?.checkpoint_id]];
    }
  }

  override async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: Record<string, string | number>,
  ): Promise<Config> {
    const { thread_id, checkpoint_ns = '', checkpoint_id: parent_id } = config.configurable ?? {};
    const { channel_values, ...stored } = checkpoint;
    const changed = Object.entries(newVersions);
    const values = await Promise.all(
      changed.map(async ([channel]): Promise<DumpedValue> =>
        Object.hasOwn(channel_values, channel) ? await this.dump(channel, channel_values[channel]) : ['empty', null],
      ),
    );
    const key = keyOf(thread_id, checkpoint_ns, checkpoint.id);
    await this.save({
      checkpoints: [
        {
          ...key,
          parent_id: parent_id ?? null,
          checkpoint: jsonbText(JSON.stringify(stored)),
          metadata: await this.dumpMetadata(metadata),
        },
      ],
      blobs: changed.map(([channel, version], index) => ({
        ...key,
        channel,
        version: String(version),
        value: values[index],
      })),
      writes: [],
    });
    return { configurable: { thread_id, checkpoint_ns, checkpoint_id: checkpoint.id } };
  }

  override async putWrites(
    config: Config,
    writes: [channel: string, value: unknown][],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    if (writes.length === 0) {
      return;
    }
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const key = keyOf(thread_id, checkpoint_ns, checkpoint_id);
    const values = await Promise.all(writes.map(([channel, value]) => this.dump(channel, value)));
    const replaces = writes.every(([channel]) => SPECIAL_WRITES.has(channel));
    await this.save({
      checkpoints: [],
      blobs: [],
      writes: writes.map(([channel], index) => ({
        ...key,
        task_id: taskId,
        task_path: taskPath,
        idx: SPECIAL_WRITES.get(channel) ?? index,
        channel,
        value: values[index],
        replaces,
      })),
    });
  }

  /** Takes one round trip; the inherited method reads every ancestor as a whole. */
  override async getDeltaChannelHistory({ config, channels }: DeltaHistoryOptions): Promise<DeltaHistories> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const histories: DeltaHistories = Object.fromEntries(channels.map((channel) => [channel, { writes: [] }]));
    const wanted = channels.filter((channel) => this.only?.channels.includes(channel) ?? true);
    if (wanted.length === 0) {
      return histories;
    }
    const reference: unknown[] = checkpoint_id ? [checkpoint_id] : [];
    const { rows } = await this.db.query<HistoryRow>(selectDeltaHistory(reference.length > 0), [
      thread_id,
      checkpoint_ns,
      wanted,
      ...reference,
    ]);
    const values = await Promise.all(rows.map((row) => this.load(row)));
    rows.forEach(({ channel, task_id }, index) => {
      if (task_id === null) {
        histories[channel].seed = values[index];
      } else {
        histories[channel].writes.push([task_id, channel, values[index]]);
      }
    });
    return histories;
  }

  override async deleteThread(threadId: string): Promise<void> {
    await this.db.query(DELETE_THREADS, [[threadId]]);
  }

  /** Writes all rows or fails. */
  protected save(rows: CheckpointRows): Promise<void> {
    return saveCheckpoints(this.db, rows, this.fence);
  }

  private async dump(channel: string, value: unknown): Promise<DumpedValue> {
    try {
      return await this.serde.dumpsTyped(value);
    } catch (error) {
      throw error instanceof UnserializableValueError ? error.inChannel(channel) : error;
    }
  }

  private async dumpMetadata(metadata: CheckpointMetadata): Promise<string> {
    const [, bytes] = await this.serde.dumpsTyped(metadata);
    return jsonbText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  }

  private async select(conditions: Condition[], limit: number | undefined): Promise<Tuple[]> {
    const parameters = new SqlParameters();
    const where = conditions.map(([comparison, value]) => `${comparison} ${parameters.add(value)}`).join(' AND ');
    const statement = selectTuples(where || 'true', limitSql(limit, parameters), {
      channels: this.only && parameters.add(this.only.channels),
      writes: this.only?.writes && parameters.add(this.only.writes),
    });
    const { rows } = await this.db.query<TupleRow>(statement, parameters.values);
    const decoded = await Promise.all(rows.map((row) => this.load(row)));
    const parts = new TupleParts();
    rows.forEach((row, index) => parts.add(row, decoded[index]));
    return parts.toTuples();
  }

  private load({ type, json, blob }: TupleRow | HistoryRow): unknown {
    const stored = json ?? blob;
    return stored === null ? undefined : this.serde.loadsTyped(type, stored);
  }
}

/** LangGraph's channels for the status of a task; all other writes are its output. */
const CONTROL_WRITES = new Set(['__error__', '__error_source_node__', '__interrupt__', '__resume__']);

/**
 * Removes the interrupts of finished tasks, which are resumed, as LangGraph's loop does. Savers keep them beside those of
 * interrupted tasks. Not applied to a checkpoint that is requested by id: a run from there interrupts again.
 */
function withPendingInterrupts(tuple: Tuple): Tuple {
  const { pendingWrites = [] } = tuple;
  const finished = new Set(pendingWrites.filter(([, channel]) => !CONTROL_WRITES.has(channel)).map(([task]) => task));
  const isPending = (task: string, channel: string): boolean => channel !== '__interrupt__' || !finished.has(task);
  return { ...tuple, pendingWrites: pendingWrites.filter(([task, channel]) => isPending(task, channel)) };
}

/** Runs read the newest checkpoint: a literal 1 makes PostgreSQL plan for one row. */
const limitSql = (limit: number | undefined, parameters: SqlParameters): string =>
  limit === undefined ? '' : `LIMIT ${limit === 1 ? 1 : parameters.add(limit)}`;

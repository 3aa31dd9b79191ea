import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from '@langchain/langgraph';
import { jsonbText, toJsonb } from '../../common/index.js';
import type { Queryable } from '../../database/index.js';
import type { CheckpointConfig } from '../graphs/graph.js';
import { LeaseLostError } from './lease-lost.error.js';
import { TupleParts } from './tuple-parts.js';
import {
  DELETE_THREADS,
  type Fence,
  insertCheckpoint,
  insertWrites,
  selectTuples,
  type TupleRow,
} from './checkpoint-sql.js';

/** Places of special writes, below those of ordinary ones; the numbers are shared by all LangGraph savers. */
const SPECIAL_WRITES: Record<string, number> = {
  __error__: -1,
  __scheduled__: -2,
  __interrupt__: -3,
  __resume__: -4,
};

export interface ListOptions {
  limit?: number;
  before?: CheckpointConfig;
  filter?: Record<string, unknown>;
}

type Config = CheckpointConfig;
type Tuple = CheckpointTuple;

/**
 * LangGraph's checkpointer on its official Postgres tables, through the shared pool or the connection of a
 * transaction. A checkpoint with its channel values is one statement, and so are the writes of a task; a read is one
 * round trip.
 */
export class PostgresCheckpointer extends BaseCheckpointSaver {
  /** With a `fence`, writes happen only while its lease is held, and fail with {@link LeaseLostError} otherwise. */
  constructor(
    private readonly db: Queryable,
    private readonly fence?: Fence,
  ) {
    super();
  }

  /**
   * A number that no other branch of the thread gets: channel values are stored by version, and two forks of one
   * checkpoint that both counted on from 3 to 4 would share one value. The fraction is random; other savers, which add
   * 1, can go on from it. See docs/decisions/0002-channel-versions.md.
   */
  override getNextVersion(current: number | undefined): number {
    const fraction = 1 + Math.floor(Math.random() * 999_998);
    return (Math.floor((current ?? 0) + 1) * 1_000_000 + fraction) / 1_000_000;
  }

  override async getTuple(config: Config): Promise<Tuple | undefined> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {};
    const [tuple] = checkpoint_id
      ? await this.select('thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = $3', 'LIMIT 1', [
          thread_id,
          checkpoint_ns,
          checkpoint_id,
        ])
      : await this.select('thread_id = $1 AND checkpoint_ns = $2', 'LIMIT 1', [thread_id, checkpoint_ns]);
    return tuple;
  }

  override async *list(config: Config, { limit, before, filter }: ListOptions = {}): AsyncGenerator<Tuple> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    const conditions: [sql: (place: string) => string, value: unknown][] = [
      [(place) => `thread_id = ${place}`, thread_id],
      [(place) => `checkpoint_ns = ${place}`, checkpoint_ns],
      [(place) => `checkpoint_id = ${place}`, checkpoint_id],
      [(place) => `checkpoint_id < ${place}`, before?.configurable?.checkpoint_id],
      [
        (place) => `metadata @> ${place}::jsonb`,
        filter && Object.keys(filter).length > 0 ? toJsonb(filter) : undefined,
      ],
    ];
    const used = conditions.filter(([, value]) => value !== undefined && value !== null);
    const where = used.map(([sql], index) => sql(`$${index + 1}`)).join(' AND ') || 'true';
    const values = used.map(([, value]) => value);
    yield* await this.select(where, limit === undefined ? '' : `LIMIT ${Math.trunc(limit)}`, values);
  }

  override async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: Record<string, string | number>,
  ): Promise<Config> {
    const { thread_id, checkpoint_ns = '', checkpoint_id: parent_id } = config.configurable ?? {};
    const { channel_values, ...stored } = checkpoint;
    const blobs = await Promise.all(
      Object.entries(newVersions).map(async ([channel, version]) => {
        const [type, blob] =
          channel in channel_values ? await this.dump(channel_values[channel]) : (['empty', null] as const);
        return [channel, String(version), type, blob];
      }),
    );
    await this.write(insertCheckpoint(blobs.length, this.fence !== undefined), [
      thread_id,
      checkpoint_ns,
      checkpoint.id,
      parent_id ?? null,
      jsonbText(JSON.stringify(stored)),
      await this.dumpMetadata(metadata),
      ...blobs.flat(),
    ]);
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
    const rows = await Promise.all(
      writes.map(async ([channel, value], index) => [
        SPECIAL_WRITES[channel] ?? index,
        channel,
        ...(await this.dump(value)),
      ]),
    );
    const replace = writes.every(([channel]) => channel in SPECIAL_WRITES);
    await this.write(insertWrites(rows.length, replace, this.fence !== undefined), [
      thread_id,
      checkpoint_ns,
      checkpoint_id,
      taskId,
      taskPath,
      ...rows.flat(),
    ]);
  }

  override async deleteThread(threadId: string): Promise<void> {
    await this.db.query(DELETE_THREADS, [[threadId]]);
  }

  private async write(sql: string, values: unknown[]): Promise<void> {
    const lease = this.fence ? [this.fence.run_id, this.fence.lease_token] : [];
    const { rows } = await this.db.query<{ held: boolean }>(sql, [...values, ...lease]);
    if (!rows[0]?.held) {
      throw new LeaseLostError();
    }
  }

  private async dump(value: unknown): Promise<readonly [type: string, blob: Buffer]> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return [type, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
  }

  private async dumpMetadata(metadata: CheckpointMetadata): Promise<string> {
    const [, bytes] = await this.serde.dumpsTyped(metadata);
    return jsonbText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  }

  private async select(where: string, limit: string, values: unknown[]): Promise<Tuple[]> {
    const { rows } = await this.db.query<TupleRow>(selectTuples(where, limit), values);
    const decoded = await Promise.all(
      rows.map((row) => (row.kind === 'c' ? undefined : this.load(row.type, row.blob))),
    );
    const parts = new TupleParts();
    rows.forEach((row, index) => {
      if (row.kind === 'b') {
        parts.addValue(row, decoded[index]);
      } else if (row.kind === 'w') {
        parts.addWrite(row, decoded[index]);
      }
    });
    return rows.filter((row) => row.kind === 'c').map((row) => parts.toTuple(row));
  }

  private load(type: string, blob: Buffer | null): unknown {
    return blob === null ? undefined : this.serde.loadsTyped(type, blob);
  }
}

import { ApiProperty } from '@nestjs/swagger';
import { IdList, OneOf } from '../../http/index.js';
import { PRUNE_STRATEGIES, type PruneStrategy } from '../thread.entity.js';

/** Body of "prune threads" (contract 1.2). */
export class ThreadPruneRequest {
  /** Threads to prune; at most 10,000. */
  @IdList({ required: true })
  thread_ids: string[];
  /** `delete` deletes the threads, `keep_latest` all but the newest checkpoint of each graph and subgraph. */
  @OneOf(PRUNE_STRATEGIES, { default: 'delete' })
  strategy?: PruneStrategy;
}

/** Response of "prune threads". */
export class ThreadPruneResult {
  /** Number of pruned threads. */
  @ApiProperty({ type: 'integer' })
  pruned_count: number;
}

/** Count and size of stored items. */
export class Amount {
  /** Number of items. */
  @ApiProperty({ type: 'integer' })
  count: number;
  /** Bytes, without indexes and before compression. */
  @ApiProperty({ type: 'integer' })
  bytes: number;
}

/** Stored values of one channel. */
export class ChannelAmount {
  /** Number of stored versions. */
  @ApiProperty({ type: 'integer' })
  versions: number;
  /** Bytes of all versions. */
  @ApiProperty({ type: 'integer' })
  bytes: number;
}

/** Stored values of all channels. */
export class ChannelAmounts extends Amount {
  /** By channel name. */
  @ApiProperty({ type: 'object', additionalProperties: { $ref: '#/components/schemas/ChannelAmount' } })
  by_channel: Record<string, ChannelAmount>;
}

/** Storage of a thread's states (contract 2.13). */
export class ThreadStorage {
  /** Id of the thread. */
  @ApiProperty({ format: 'uuid' })
  thread_id: string;
  /** Total bytes. */
  @ApiProperty({ type: 'integer' })
  total_bytes: number;
  /** Checkpoints, without channel values. */
  checkpoints: Amount;
  /** Channel values; several checkpoints may share one. */
  channel_values: ChannelAmounts;
  /** Pending writes of tasks. */
  pending_writes: Amount;
}

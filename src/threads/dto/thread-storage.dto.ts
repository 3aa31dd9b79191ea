import { ApiProperty } from '@nestjs/swagger';
import { IdList, OneOf } from '../../common/index.js';
import { PRUNE_STRATEGIES, type PruneStrategy } from '../thread.entity.js';

/** Body of "prune threads" (contract 1.2). */
export class ThreadPruneRequest {
  /** Threads to prune; at most 10,000. */
  @IdList({ required: true })
  thread_ids: string[];
  /** `delete` removes the threads, `keep_latest` all but the newest checkpoint of each graph and subgraph. */
  @OneOf(PRUNE_STRATEGIES, { default: 'delete' })
  strategy?: PruneStrategy;
}

/** Answer of "prune threads". */
export class ThreadPruneResult {
  /** Threads that were pruned. */
  @ApiProperty({ type: 'integer' })
  pruned_count: number;
}

/** How many of something there are, and how much they take up. */
export class Amount {
  /** How many. */
  @ApiProperty({ type: 'integer' })
  count: number;
  /** Bytes, before indexes and compression. */
  @ApiProperty({ type: 'integer' })
  bytes: number;
}

/** The stored values of one channel. */
export class ChannelAmount {
  /** Different values that are kept. */
  @ApiProperty({ type: 'integer' })
  versions: number;
  /** Bytes of all of them. */
  @ApiProperty({ type: 'integer' })
  bytes: number;
}

/** The stored values of all channels. */
export class ChannelAmounts extends Amount {
  /** By the name of the channel. */
  @ApiProperty({ type: 'object', additionalProperties: { $ref: '#/components/schemas/ChannelAmount' } })
  by_channel: Record<string, ChannelAmount>;
}

/** What the states of a thread take up (contract 2.13). */
export class ThreadStorage {
  /** Id of the thread. */
  @ApiProperty({ format: 'uuid' })
  thread_id: string;
  /** Bytes of all of it. */
  @ApiProperty({ type: 'integer' })
  total_bytes: number;
  /** Checkpoints, without the values of their channels. */
  checkpoints: Amount;
  /** Values of channels; several checkpoints may share one. */
  channel_values: ChannelAmounts;
  /** What tasks have returned. */
  pending_writes: Amount;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AuthUser } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import type { StreamMode, WireCommand } from '../execution/index.js';

export const RUN_STATUSES = ['pending', 'running', 'success', 'error', 'timeout', 'interrupted'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const MULTITASK_STRATEGIES = ['reject', 'interrupt', 'rollback', 'enqueue'] as const;
export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

export const DURABILITIES = ['sync', 'async', 'exit'] as const;
export type Durability = (typeof DURABILITIES)[number];

export type Delivery = 'stream' | 'wait';

/** What a run executes, with the merged config of assistant, thread and request. */
export interface RunKwargs {
  input?: unknown;
  command?: WireCommand;
  config: JsonObject & { configurable: JsonObject };
  context?: JsonObject;
  stream_mode: StreamMode[];
  interrupt_before?: '*' | string[];
  interrupt_after?: '*' | string[];
  /** Called when the run has ended: an http(s) URL, or a path of this server. */
  webhook?: string;
  /** The thread is deleted when the run has ended. */
  temporary: boolean;
  subgraphs: boolean;
  resumable: boolean;
  durability: Durability;
  /** As the request sent it; `durability` already takes it into account. */
  checkpoint_during?: boolean;
  /** Absent when there are none. */
  feedback_keys?: string[];
  strict_resume?: boolean;
}

/** What a run writes to its thread when it starts. */
export interface ThreadStamp {
  metadata: JsonObject;
  config: JsonObject;
}

/** The error of a run, as clients see it. */
export interface RunError {
  /** Class name of the error. */
  error: string;
  message: string;
  /** For a rejected strict resume: the reason, the interrupts it named that are not pending, and the pending ones. */
  reason?: string;
  interrupt_ids?: string[];
  pending_ids?: string[];
}

/**
 * The caller of a run, as its graph may see it in `configurable`. It is stored with the run until the run has ended,
 * and nowhere else: not in the thread's config, not in checkpoints, not in responses.
 */
export interface RunCaller {
  /** Absent when no HTTP request created the run. */
  request_id?: string;
  headers: Record<string, string>;
  /** Absent without authentication. */
  user?: AuthUser;
  /** With a user: the authorised request, without `input` and `command`, which are in the run's kwargs. */
  request?: object;
}

@Entity('runs')
export class RunEntity {
  @PrimaryColumn('uuid')
  run_id: string;

  @Column('uuid')
  thread_id: string;

  @Column('uuid')
  assistant_id: string;

  @Column('text')
  status: RunStatus;

  @Column('jsonb')
  metadata: JsonObject;

  @Column('json')
  kwargs: RunKwargs;

  /** The caller of the run; null once the run has ended, and for a run without a caller. */
  @Column('json', { nullable: true, select: false })
  caller: RunCaller | null;

  @Column('text')
  multitask_strategy: MultitaskStrategy;

  /** Number of attempts so far. */
  @Column('integer')
  attempt: number;

  @Column('uuid', { nullable: true })
  lease_token: string | null;

  @Column('timestamptz', { nullable: true })
  lease_until: Date | null;

  /** When the run becomes due. */
  @Column('timestamptz')
  due_at: Date;

  /** The result of an ended run, see `toOutput`. Selected only on request, because it is as large as the state. */
  @Column('json', { nullable: true, select: false })
  output: unknown;

  @Column('jsonb', { nullable: true })
  error: RunError | null;

  /** How the request that created the run gets its output; null for a background run. */
  @Column('text', { nullable: true })
  delivery: Delivery | null;

  /** `cancel`: the run is cancelled once no client streams it or waits for it. */
  @Column('text', { nullable: true })
  on_disconnect: 'cancel' | null;

  /** What a queued run writes to its thread when it starts; null for a run that started at once. */
  @Column('jsonb', { nullable: true, select: false })
  on_thread: ThreadStamp | null;

  @Column('text', { nullable: true })
  cancel_reason: string | null;

  /** When a cancellation was requested that may not be completed yet. */
  @Column('timestamptz', { nullable: true })
  cancel_requested_at: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

export const isActive = (status: RunStatus): boolean => status === 'pending' || status === 'running';

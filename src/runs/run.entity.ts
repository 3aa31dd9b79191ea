import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../common/index.js';
import type { StreamMode, WireCommand } from '../execution/index.js';
import type { RunCaller } from './run-caller.js';

export const RUN_STATUSES = ['pending', 'running', 'success', 'error', 'timeout', 'interrupted'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const MULTITASK_STRATEGIES = ['reject', 'interrupt', 'rollback', 'enqueue'] as const;
export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

export const DURABILITIES = ['sync', 'async', 'exit'] as const;
export type Durability = (typeof DURABILITIES)[number];

export type Delivery = 'stream' | 'wait';

/** What a run was asked to do, with the config that assistant, thread and request add up to. */
export interface RunKwargs {
  input?: unknown;
  command?: WireCommand;
  config: JsonObject & { configurable: JsonObject };
  context?: JsonObject;
  stream_mode: StreamMode[];
  interrupt_before?: '*' | string[];
  interrupt_after?: '*' | string[];
  /** What to call when the run has ended: an address, or a path of this server. */
  webhook?: string;
  /** The thread is deleted when the run has ended. */
  temporary: boolean;
  subgraphs: boolean;
  resumable: boolean;
  durability: Durability;
  /** As the request had it, which may have said the same by `durability`. */
  checkpoint_during?: boolean;
  /** Absent when there are none. */
  feedback_keys?: string[];
  strict_resume?: boolean;
}

/** What a run leaves on its thread when it begins. */
export interface ThreadStamp {
  metadata: JsonObject;
  config: JsonObject;
}

/** What went wrong, as clients get to see it. */
export interface RunError {
  /** Class name of the error. */
  error: string;
  message: string;
  /** Of a refused resume: why, which interrupts it named that are not waiting, and which are. */
  reason?: string;
  interrupt_ids?: string[];
  pending_ids?: string[];
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

  /** Who has asked for the run; null when it has ended, or when nobody has. */
  @Column('json', { nullable: true, select: false })
  caller: RunCaller | null;

  @Column('text')
  multitask_strategy: MultitaskStrategy;

  /** How often the run has been begun. */
  @Column('integer')
  attempt: number;

  @Column('uuid', { nullable: true })
  lease_token: string | null;

  @Column('timestamptz', { nullable: true })
  lease_until: Date | null;

  /** When it may begin. */
  @Column('timestamptz')
  due_at: Date;

  /** The result of a run that has ended, see `toOutput`. Read only for those who want it: it is as large as the state. */
  @Column('json', { nullable: true, select: false })
  output: unknown;

  @Column('jsonb', { nullable: true })
  error: RunError | null;

  /** How the request that created it gets its output; null for a background run. */
  @Column('text', { nullable: true })
  delivery: Delivery | null;

  /** `cancel`: it ends when nobody streams it or waits for it any more. */
  @Column('text', { nullable: true })
  on_disconnect: 'cancel' | null;

  /** What it leaves on its thread when it begins, if it has to wait for another run. */
  @Column('jsonb', { nullable: true, select: false })
  on_thread: ThreadStamp | null;

  @Column('text', { nullable: true })
  cancel_reason: string | null;

  /** A client that did not wait has asked for its end. */
  @Column('timestamptz', { nullable: true })
  cancel_requested_at: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

export const isActive = (status: RunStatus): boolean => status === 'pending' || status === 'running';

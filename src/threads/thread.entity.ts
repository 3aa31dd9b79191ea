import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../common/index.js';
import { jsonb } from '../database/index.js';

export const THREAD_STATUSES = ['idle', 'busy', 'interrupted', 'error'] as const;
export const PRUNE_STRATEGIES = ['delete', 'keep_latest'] as const;
export type PruneStrategy = (typeof PRUNE_STRATEGIES)[number];

export type ThreadStatus = (typeof THREAD_STATUSES)[number];

@Entity('threads')
export class ThreadEntity {
  @PrimaryColumn('uuid')
  thread_id: string;

  @Column('text')
  status: ThreadStatus;

  @Column('jsonb', { transformer: jsonb })
  metadata: JsonObject;

  /** The merged config of the last run, without keys that the server adds. */
  @Column('jsonb', { transformer: jsonb })
  config: JsonObject;

  /** Root state after the last run or update. */
  @Column('json', { nullable: true, transformer: jsonb })
  values: unknown;

  /** Pending interrupts by task id. */
  @Column('json', { transformer: jsonb })
  interrupts: JsonObject;

  @Column('jsonb', { nullable: true, transformer: jsonb })
  error: unknown;

  /** The newest run that has not ended; null when none is active. */
  @Column('uuid', { nullable: true })
  newest_run_id: string | null;

  /** Belongs to a stateless run: never shown. */
  @Column('boolean')
  hidden: boolean;

  /** When the TTL sweep checks the thread. */
  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  /** Minutes after its last activity until it is deleted or pruned; null: never. */
  @Column('double precision', { nullable: true })
  ttl_minutes: number | null;

  /** Whether it is deleted or pruned then. */
  @Column('text', { nullable: true })
  ttl_strategy: PruneStrategy | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;

  @Column('timestamptz', { nullable: true })
  state_updated_at: Date | null;
}

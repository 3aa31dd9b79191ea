import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AuthUser } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import { jsonb } from '../database/index.js';
import type { RunRequest } from '../runs/index.js';

export const RUN_COMPLETIONS = ['delete', 'keep'] as const;

/** Whether the thread that was created for a run is deleted or kept when the run completes. */
export type RunCompletion = (typeof RUN_COMPLETIONS)[number];

/** The request of each run. Its metadata is the metadata of the cron. */
export type CronPayload = Omit<RunRequest, 'metadata'>;

@Entity('crons')
export class CronEntity {
  @PrimaryColumn('uuid')
  cron_id: string;

  @Column('uuid')
  assistant_id: string;

  /** Null when each run gets its own thread. */
  @Column('uuid', { nullable: true })
  thread_id: string | null;

  @Column('text')
  schedule: string;

  @Column('text', { nullable: true })
  timezone: string | null;

  @Column('timestamptz', { nullable: true })
  end_time: Date | null;

  @Column('boolean')
  enabled: boolean;

  /** Why the server disabled the cron. */
  @Column('text', { nullable: true })
  disabled_reason: string | null;

  @Column('text', { nullable: true })
  on_run_completed: RunCompletion | null;

  @Column('json')
  payload: CronPayload;

  @Column('jsonb', { transformer: jsonb })
  metadata: JsonObject;

  @Column('text', { nullable: true })
  user_id: string | null;

  /** The user that the runs act as; null without authentication. */
  @Column('jsonb', { nullable: true, transformer: jsonb })
  caller: AuthUser | null;

  /** Null when the cron is disabled or has no due time left. */
  @Column('timestamptz', { nullable: true })
  next_run_date: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

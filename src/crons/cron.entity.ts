import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AuthUser } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import { jsonb } from '../database/index.js';
import type { RunRequest } from '../runs/index.js';

export const RUN_COMPLETIONS = ['delete', 'keep'] as const;

/** What becomes of the thread that was made for a run. */
export type RunCompletion = (typeof RUN_COMPLETIONS)[number];

/** What the runs of a cron are asked for; their metadata is the cron's. */
export type CronPayload = Omit<RunRequest, 'metadata'>;

@Entity('crons')
export class CronEntity {
  @PrimaryColumn('uuid')
  cron_id: string;

  @Column('uuid')
  assistant_id: string;

  /** Null when each run gets a thread of its own. */
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

  /** Why the server has disabled it. */
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

  /** On whose behalf its runs are; null without authentication. */
  @Column('jsonb', { nullable: true, transformer: jsonb })
  caller: AuthUser | null;

  /** Null when it is disabled, or has no time left. */
  @Column('timestamptz', { nullable: true })
  next_run_date: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

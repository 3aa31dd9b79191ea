import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import { type CronEntity, type CronPayload, RUN_COMPLETIONS, type RunCompletion } from '../cron.entity.js';

/** A schedule by which runs are created (contract 2.10). */
export class Cron {
  /** Id of the cron. */
  @ApiProperty({ format: 'uuid' })
  cron_id: string;
  /** Assistant that is run. */
  @ApiProperty({ format: 'uuid' })
  assistant_id: string;
  /** Thread of the runs; null when each gets one of its own. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  thread_id: string | null;
  /** What becomes of a thread that was made for a run. */
  @ApiProperty({ enum: RUN_COMPLETIONS, nullable: true })
  on_run_completed: RunCompletion | null;
  /** When the schedule ends. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  end_time: Date | null;
  /** Cron expression. */
  schedule: string;
  /** IANA name of the zone in which the schedule is read; UTC when null. */
  @ApiProperty({ type: String, nullable: true })
  timezone: string | null;
  /** When it was created. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
  /** When it was changed last; firing does not change it. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
  /** What the runs are asked for: `assistant_id`, `input`, `config` and so on. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  payload: CronPayload;
  /** User on whose behalf its runs are: who created it, or last changed what it runs; null without authentication. */
  @ApiProperty({ type: String, nullable: true })
  user_id: string | null;
  /** When it is due next; null when it is disabled, or no time is left before its end. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  next_run_date: Date | null;
  /** Keys of the caller's choice; handed on to the runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** Whether it is at work. */
  enabled: boolean;
  /** Why the server has disabled it: only there when it has. */
  disabled_reason?: string;
}

/** Columns that a cron shows. */
export const CRON_FIELDS = [
  'cron_id',
  'assistant_id',
  'thread_id',
  'on_run_completed',
  'end_time',
  'schedule',
  'timezone',
  'created_at',
  'updated_at',
  'payload',
  'user_id',
  'next_run_date',
  'metadata',
  'enabled',
  'disabled_reason',
] as const;

export type CronField = (typeof CRON_FIELDS)[number];

/** Fields a search may be limited to (contract 2.14); `now` is the clock by which crons are due. */
export const CRON_SELECT = [...CRON_FIELDS, 'now'] as const;
export type CronSelect = (typeof CRON_SELECT)[number];

export const isCronField = (field: CronSelect): field is CronField => field !== 'now';

/** A row as the API shows it, limited to `fields`. */
export function toCron(row: CronEntity, fields: readonly CronSelect[] = CRON_FIELDS): Cron {
  const shown = fields.filter(isCronField).filter((field) => field !== 'disabled_reason' || row[field] !== null);
  return Object.fromEntries(shown.map((field) => [field, row[field]])) as unknown as Cron;
}

import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../common/index.js';
import { type CronEntity, type CronPayload, RUN_COMPLETIONS, type RunCompletion } from '../cron.entity.js';

/** A schedule that creates runs (contract 2.10). */
export class Cron {
  /** Id of the cron. */
  @ApiProperty({ format: 'uuid' })
  cron_id: string;
  /** Assistant of the runs. */
  @ApiProperty({ format: 'uuid' })
  assistant_id: string;
  /** Thread of the runs; null when each run gets its own thread. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  thread_id: string | null;
  /** Whether the thread that was created for a run is deleted or kept when the run completes. */
  @ApiProperty({ enum: RUN_COMPLETIONS, nullable: true })
  on_run_completed: RunCompletion | null;
  /** End of the schedule: no run is created after it. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  end_time: Date | null;
  /** Cron expression. */
  schedule: string;
  /** IANA time zone of the schedule; UTC when null. */
  @ApiProperty({ type: String, nullable: true })
  timezone: string | null;
  /** When the cron was created. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: Date;
  /** When the cron was last updated. Creating a run does not change it. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: Date;
  /** The request of each run: `assistant_id`, `input`, `config` and so on. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  payload: CronPayload;
  /** User that the runs act as: the one who created the cron or last changed its runs; null without authentication. */
  @ApiProperty({ type: String, nullable: true })
  user_id: string | null;
  /** Next due time; null when the cron is disabled or no due time is left before its end. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  next_run_date: Date | null;
  /** Metadata of the cron; also the metadata of its runs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: JsonObject;
  /** Whether the cron creates runs. */
  enabled: boolean;
  /** Why the server disabled the cron; absent otherwise. */
  disabled_reason?: string;
}

/** Columns that the API returns. */
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

/** Fields that a search may select (contract 2.14). `now` is the clock that due times are compared with. */
export const CRON_SELECT = [...CRON_FIELDS, 'now'] as const;
export type CronSelect = (typeof CRON_SELECT)[number];

export const isCronField = (field: CronSelect): field is CronField => field !== 'now';

/** Converts a row to the API schema, limited to `fields`. */
export function toCron(row: CronEntity, fields: readonly CronSelect[] = CRON_FIELDS): Cron {
  const shown = fields.filter(isCronField).filter((field) => field !== 'disabled_reason' || row[field] !== null);
  return Object.fromEntries(shown.map((field) => [field, row[field]])) as unknown as Cron;
}

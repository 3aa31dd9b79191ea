import { type JsonObject } from '../../common/index.js';
import {
  Custom,
  BooleanField,
  Id,
  IdOrName,
  Limit,
  ListOf,
  MetadataFilter,
  Offset,
  OneOf,
  StringField,
} from '../../http/index.js';
import { RunPayload, RunRequest } from '../../runs/index.js';
import { RUN_COMPLETIONS, type RunCompletion } from '../cron.entity.js';
import { readInstant } from '../instant.js';
import { CRON_SELECT, type CronSelect } from './cron.dto.js';

/** Placeholder id in the examples. The examples page replaces it with the id of the last cron it received. */
export const EXAMPLE_CRON_ID = '0192f0c1-0000-7000-8000-000000000001';

export class CronParams {
  /** Id of the cron. */
  @Id({ required: true, example: EXAMPLE_CRON_ID })
  cron_id: string;
}

/** A list of all sixty minutes has 169 characters. */
const MAX_SCHEDULE_LENGTH = 1_000;
const MAX_ZONE_LENGTH = 100;

const SCHEDULE = { maxLength: MAX_SCHEDULE_LENGTH, example: '0 9 * * 1-5' };
const ZONE = { maxLength: MAX_ZONE_LENGTH, example: 'Europe/Berlin' };

const END_TIME = {
  schema: { type: String, format: 'date-time', nullable: true },
  message: 'must be an ISO 8601 date and time, for example "2030-12-31T23:59:59Z"',
  isValid: (value: unknown): boolean => value === null || readInstant(value) !== undefined,
};

/** Body of "create a cron" (contract 1.5). */
export class CronCreate extends RunRequest {
  /** Cron expression with five fields (minute, hour, day of month, month, day of week), or six with leading seconds. */
  @StringField({ ...SCHEDULE, required: true })
  schedule: string;
  /** IANA time zone of the schedule; UTC when absent. */
  @StringField(ZONE)
  timezone?: string;
  /** No run is created after this time; no end when absent. A time without an offset is in UTC. */
  @Custom(END_TIME.schema, END_TIME.message, END_TIME.isValid)
  end_time?: string;
  /** Whether the cron creates runs. */
  @BooleanField({ default: true })
  enabled?: boolean;
  /** Whether the thread that is created for a run is deleted or kept when the run completes. */
  @OneOf(RUN_COMPLETIONS, { default: 'delete' })
  on_run_completed?: RunCompletion;
}

/** Body of "update a cron"; every field is optional. */
export class CronUpdate extends RunPayload {
  /** Cron expression. */
  @StringField(SCHEDULE)
  schedule?: string;
  /** IANA time zone of the schedule. */
  @StringField(ZONE)
  timezone?: string;
  /** No run is created after this time; null removes the end. */
  @Custom(END_TIME.schema, END_TIME.message, END_TIME.isValid, { nullable: true })
  end_time?: string | null;
  /** Whether the cron creates runs. */
  @BooleanField()
  enabled?: boolean;
  /** Whether the thread that is created for a run is deleted or kept when the run completes. */
  @OneOf(RUN_COMPLETIONS)
  on_run_completed?: RunCompletion;
}

/** Filters of count; a cron must match all of them. */
export class CronCountRequest {
  /** Crons of this assistant: its id, or a graph name for the system assistant of that graph. */
  @IdOrName()
  assistant_id?: string;
  /** Crons of this thread. */
  @Id()
  thread_id?: string;
  /** Crons whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Only enabled crons (true), or only disabled ones (false). */
  @BooleanField()
  enabled?: boolean;
}

export const CRON_SORT_FIELDS = [
  'cron_id',
  'assistant_id',
  'thread_id',
  'created_at',
  'updated_at',
  'next_run_date',
  'end_time',
] as const;

/** Body of "search crons". */
export class CronSearchRequest extends CronCountRequest {
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Field to sort by; ties are broken by id. */
  @OneOf(CRON_SORT_FIELDS, { default: 'created_at' })
  sort_by?: (typeof CRON_SORT_FIELDS)[number];
  /** Sort direction. */
  @OneOf(['asc', 'desc'], { default: 'desc' })
  sort_order?: 'asc' | 'desc';
  /** Return only these fields; `now` is the server's clock. */
  @ListOf(CRON_SELECT)
  select?: CronSelect[];
}

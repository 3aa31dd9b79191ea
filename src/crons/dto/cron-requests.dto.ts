import {
  Custom,
  Flag,
  Id,
  IdOrName,
  type JsonObject,
  Limit,
  ListOf,
  MetadataFilter,
  Offset,
  OneOf,
  Text,
} from '../../common/index.js';
import { RunPayload, RunRequest } from '../../runs/index.js';
import { RUN_COMPLETIONS, type RunCompletion } from '../cron.entity.js';
import { readInstant } from '../instant.js';
import { CRON_SELECT, type CronSelect } from './cron.dto.js';

/** Stands for a cron in the page of examples; the page puts the last one it has seen in its place. */
export const EXAMPLE_CRON_ID = '0192f0c1-0000-7000-8000-000000000001';

export class CronParams {
  /** Id of the cron. */
  @Id({ required: true, example: EXAMPLE_CRON_ID })
  cron_id: string;
}

/** Sixty minutes, one by one, are 169 characters. */
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
  /** Cron expression of five fields (minute, hour, day, month, day of the week), or six with seconds before them. */
  @Text({ ...SCHEDULE, required: true })
  schedule: string;
  /** IANA name of the zone in which the schedule is read; UTC when absent. */
  @Text(ZONE)
  timezone?: string;
  /** Nothing is due after this; for ever when absent. Without an offset it is in UTC. */
  @Custom(END_TIME.schema, END_TIME.message, END_TIME.isValid)
  end_time?: string;
  /** Whether it is at work. */
  @Flag({ default: true })
  enabled?: boolean;
  /** Whether the thread of a run without one is deleted at its end, or kept as an ordinary thread. */
  @OneOf(RUN_COMPLETIONS, { default: 'delete' })
  on_run_completed?: RunCompletion;
}

/** Body of "update a cron"; every field may be left out. */
export class CronUpdate extends RunPayload {
  /** Cron expression. */
  @Text(SCHEDULE)
  schedule?: string;
  /** IANA name of the zone in which the schedule is read. */
  @Text(ZONE)
  timezone?: string;
  /** Nothing is due after this; null takes the end away. */
  @Custom(END_TIME.schema, END_TIME.message, END_TIME.isValid, { nullable: true })
  end_time?: string | null;
  /** Whether it is at work. */
  @Flag()
  enabled?: boolean;
  /** Whether the thread of a run without one is deleted at its end, or kept as an ordinary thread. */
  @OneOf(RUN_COMPLETIONS)
  on_run_completed?: RunCompletion;
}

/** Filters of count; a cron matches when all of them do. */
export class CronCountRequest {
  /** Crons of this assistant: its id, or the name of a graph for its system assistant. */
  @IdOrName()
  assistant_id?: string;
  /** Crons of this thread. */
  @Id()
  thread_id?: string;
  /** Crons whose metadata contains this object. */
  @MetadataFilter()
  metadata?: JsonObject;
  /** Crons that are at work, or are not. */
  @Flag()
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
  /** What to sort by; ties are broken by id. */
  @OneOf(CRON_SORT_FIELDS, { default: 'created_at' })
  sort_by?: (typeof CRON_SORT_FIELDS)[number];
  /** Direction of the order. */
  @OneOf(['asc', 'desc'], { default: 'desc' })
  sort_order?: 'asc' | 'desc';
  /** Return only these fields; `now` is the server's clock. */
  @ListOf(CRON_SELECT)
  select?: CronSelect[];
}

import { isDeepStrictEqual } from 'node:util';
import type { CronEntity } from './cron.entity.js';
import type { CronUpdate } from './dto/cron-requests.dto.js';
import { readInstant } from './instant.js';

/** The settings that decide when a cron is due. */
export type CronTiming = Pick<CronEntity, 'schedule' | 'timezone' | 'end_time' | 'enabled'>;

/** The settings of a cron that clients control. */
export type CronSettings = CronTiming & Pick<CronEntity, 'on_run_completed' | 'payload' | 'metadata'>;

/** Applies an update: omitted fields keep their values, metadata is merged. */
export function settingsAfter(row: CronSettings, body: CronUpdate): CronSettings {
  const { schedule, timezone, end_time, enabled, on_run_completed, metadata, ...request } = body;
  return {
    schedule: schedule ?? row.schedule,
    timezone: timezone ?? row.timezone,
    end_time: end_time === undefined ? row.end_time : (readInstant(end_time) ?? null),
    enabled: enabled ?? row.enabled,
    on_run_completed: on_run_completed ?? row.on_run_completed,
    payload: asStored({ ...row.payload, ...request }),
    metadata: asStored({ ...row.metadata, ...metadata }),
  };
}

/**
 * Whether the due times change. An update without such a change keeps `next_run_date`, so that it cannot skip a due
 * time.
 */
export const timingChanged = (before: CronTiming, after: CronTiming): boolean =>
  !isDeepStrictEqual(timingOf(before), timingOf(after));

/** Whether the runs change, or the cron is enabled. A change of due times alone does not change the runs. */
export const runsChanged = (before: CronSettings, after: CronSettings): boolean =>
  !isDeepStrictEqual(runsOf(before), runsOf(after)) || (after.enabled && !before.enabled);

const timingOf = ({ schedule, timezone, end_time, enabled }: CronTiming): CronTiming => ({
  schedule,
  timezone,
  end_time,
  enabled,
});

const runsOf = ({ on_run_completed, payload, metadata }: CronSettings): object => ({
  on_run_completed,
  payload: asStored(payload),
  metadata,
});

/** The value as stored in JSON: without `undefined` and without classes. */
const asStored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

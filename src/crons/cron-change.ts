import { isDeepStrictEqual } from 'node:util';
import type { CronEntity } from './cron.entity.js';
import type { CronUpdate } from './dto/cron-requests.dto.js';
import { readInstant } from './instant.js';

/** What decides when a cron is due. */
export type CronTiming = Pick<CronEntity, 'schedule' | 'timezone' | 'end_time' | 'enabled'>;

/** What clients decide about a cron. */
export type CronSettings = CronTiming & Pick<CronEntity, 'on_run_completed' | 'payload' | 'metadata'>;

/** The settings after an update: fields that are left out stay, metadata is merged. */
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

/** A change that changes nothing must not let a time pass by that is just due. */
export const isDueOtherwise = (before: CronTiming, after: CronTiming): boolean =>
  !isDeepStrictEqual(timingOf(before), timingOf(after));

/** Other runs than before, or runs where there were none. When they are due is not a part of what they are. */
export const runsOtherwise = (before: CronSettings, after: CronSettings): boolean =>
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

/** As JSON holds it: without `undefined`, and without classes. */
const asStored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

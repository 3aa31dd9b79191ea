import { Cron } from 'croner';
import { type FieldProblem, ValidationFailedError } from '../common/index.js';

/**
 * When a cron is due: its cron expression, `timezone` and end. {@link nextRunDate} computes the next due time from it.
 */
export interface Schedule {
  /** Five fields: minute, hour, day of month, month, day of week; or six, with leading seconds. */
  schedule: string;
  /** IANA time zone; UTC when absent. */
  timezone?: string | null;
  /** The cron is not due after this time. */
  end_time?: Date | null;
}

const EXAMPLE = 'for example "0 9 * * 1-5" (at 9:00 from Monday to Friday) or "*/30 * * * * *" (every 30 seconds)';
const ZONE_EXAMPLE = 'must be an IANA time zone, for example "Europe/Berlin"';

/** Excludes strings that the library would parse as a single date. */
const isCronExpression = (value: string): boolean =>
  value.startsWith('@') || [5, 6].includes(value.trim().split(/\s+/).length);

/**
 * Excludes offsets such as +02:00: some versions of Node accept them as time zones, but they have no daylight-saving
 * time.
 */
const isTimezone = (name: string): boolean => {
  try {
    return /^[a-z]/i.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
};

/**
 * Throws `ValidationFailedError` for an invalid schedule, a schedule without any future due time, or an unknown time
 * zone.
 */
export function assertSchedule({ schedule, timezone }: Schedule, now: Date): void {
  if (typeof timezone === 'string' && !isTimezone(timezone)) {
    refuse({ path: 'timezone', message: `unknown time zone "${timezone}": it ${ZONE_EXAMPLE}` });
  }
  if (!nextRunDate({ schedule, timezone }, now)) {
    refuse({ path: 'schedule', message: `"${schedule}" never occurs; use a schedule that does, ${EXAMPLE}` });
  }
}

/** Throws `ValidationFailedError` for an end in the past: the cron would never be due. */
export function assertEndInFuture({ end_time }: Pick<Schedule, 'end_time'>, now: Date): void {
  if (end_time && end_time <= now) {
    const message = `"${end_time.toISOString()}" is in the past, so the cron would never run; use a later time, or null for no end`;
    refuse({ path: 'end_time', message });
  }
}

/**
 * Computes the first due time after `now`; null when there is none up to the end. The schedule follows the wall clock
 * of its time zone. A time of day that a daylight-saving change skips is due right after the change; a time of day that
 * occurs twice is due once, the first time. A schedule with several due times per hour, or in several hours, is due as
 * often as the wall clock shows them.
 */
export function nextRunDate({ schedule, timezone, end_time }: Schedule, now: Date): Date | null {
  const next = parse(schedule, timezone ?? 'UTC').nextRun(now);
  return next && (!end_time || next <= end_time) ? next : null;
}

function parse(schedule: string, timezone: string): Cron {
  try {
    if (!isCronExpression(schedule)) {
      throw new Error('expected five fields, or six with seconds');
    }
    return new Cron(schedule, { timezone, mode: '5-or-6-parts' });
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, '');
    return refuse({ path: 'schedule', message: `must be a cron expression, ${EXAMPLE}: ${reason}` });
  }
}

function refuse(problem: FieldProblem): never {
  throw new ValidationFailedError([problem]);
}

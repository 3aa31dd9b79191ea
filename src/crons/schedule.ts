import { Cron } from 'croner';
import { type FieldProblem, ValidationFailedError } from '../common/index.js';

/** When a cron is due. */
export interface Schedule {
  /** Five fields: minute, hour, day of the month, month, day of the week; or six, with seconds before them. */
  schedule: string;
  /** IANA name; UTC when absent. */
  timezone?: string | null;
  /** Nothing is due after it. */
  end_time?: Date | null;
}

const EXAMPLE = 'for example "0 9 * * 1-5" (at 9:00 from Monday to Friday) or "*/30 * * * * *" (every 30 seconds)';
const ZONE_EXAMPLE = 'must be an IANA time zone, for example "Europe/Berlin"';

/** Texts that the library would take for something else: a single date. */
const isCronText = (text: string): boolean => text.startsWith('@') || [5, 6].includes(text.trim().split(/\s+/).length);

/** Offsets such as +02:00, which some versions of Node take for zones, do not know of daylight-saving time. */
const isZone = (name: string): boolean => {
  try {
    return /^[a-z]/i.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
};

/** Refuses a schedule that cannot be read, or that never comes, and a zone that is not known. */
export function assertSchedule({ schedule, timezone }: Schedule, now: Date): void {
  if (typeof timezone === 'string' && !isZone(timezone)) {
    refuse({ path: 'timezone', message: `"${timezone}" is not known; it ${ZONE_EXAMPLE}` });
  }
  if (!nextRunDate({ schedule, timezone }, now)) {
    refuse({ path: 'schedule', message: `"${schedule}" never comes; use one that does, ${EXAMPLE}` });
  }
}

/** Refuses an end that has passed: nothing would ever be due. */
export function assertEndsLater({ end_time }: Pick<Schedule, 'end_time'>, now: Date): void {
  if (end_time && end_time <= now) {
    const message = `"${end_time.toISOString()}" has passed, and nothing is due after it; use a later one, or null for none`;
    refuse({ path: 'end_time', message });
  }
}

/**
 * The first time after `now`; null when there is none up to the end. By the wall clock of the zone: a time of day that does
 * not exist on a day, because clocks are put forward, comes when they have been; one that comes twice counts once. What
 * comes several times in an hour, or in several hours, follows the clock: it comes as often as the clock shows it.
 */
export function nextRunDate({ schedule, timezone, end_time }: Schedule, now: Date): Date | null {
  const next = parse(schedule, timezone ?? 'UTC').nextRun(now);
  return next && (!end_time || next <= end_time) ? next : null;
}

function parse(schedule: string, timezone: string): Cron {
  try {
    if (!isCronText(schedule)) {
      throw new Error('it needs five fields, or six with seconds');
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

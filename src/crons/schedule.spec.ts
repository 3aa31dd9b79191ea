import { describe, expect, it } from '@jest/globals';
import { ValidationFailedError } from '../common/index.js';
import { assertSchedule, nextRunDate, type Schedule } from './schedule.js';

/** The next `count` due times in short form: `03-29 01:00`, with seconds when they are not zero. */
function times(schedule: Schedule, after: string, count: number): string[] {
  const found: string[] = [];
  let now = new Date(after);
  while (found.length < count) {
    now = nextRunDate(schedule, now)!;
    found.push(now.toISOString().slice(5, 19).replace('T', ' ').replace(/:00$/, ''));
  }
  return found;
}

describe('a schedule', () => {
  it.each<[string, string, string[]]>([
    ['*/20 * * * *', '2026-01-01T00:00:00Z', ['01-01 00:20', '01-01 00:40', '01-01 01:00']],
    ['*/30 * * * * *', '2026-01-01T00:00:00.500Z', ['01-01 00:00:30', '01-01 00:01', '01-01 00:01:30']],
    ['5,7-8 0 * * *', '2026-01-01T00:00:00Z', ['01-01 00:05', '01-01 00:07', '01-01 00:08', '01-02 00:05']],
    ['0 9 * * MON-FRI', '2026-01-02T10:00:00Z', ['01-05 09:00', '01-06 09:00']],
    ['0 0 1 JAN,jul *', '2026-01-01T00:00:00Z', ['07-01 00:00', '01-01 00:00']],
    ['0 0 * * 7', '2026-01-01T00:00:00Z', ['01-04 00:00']],
    ['0 0 31 * *', '2026-01-01T00:00:00Z', ['01-31 00:00', '03-31 00:00', '05-31 00:00']],
    // When day of month and day of week are both restricted, either one matches, as in every cron.
    ['0 0 13 * FRI', '2026-01-01T00:00:00Z', ['01-02 00:00', '01-09 00:00', '01-13 00:00']],
    ['@daily', '2026-01-01T00:00:00Z', ['01-02 00:00']],
    ['  0  12 * * *  ', '2026-01-01T00:00:00Z', ['01-01 12:00']],
  ])('%s is due after %s at %j', (schedule, after, expected) => {
    expect(times({ schedule }, after, expected.length)).toEqual(expected);
  });

  it('is due strictly after the given time', () => {
    const schedule = { schedule: '* * * * * *' };
    expect(times(schedule, '2026-01-01T00:00:00.000Z', 1)).toEqual(['01-01 00:00:01']);
    expect(times(schedule, '2026-01-01T00:00:00.999Z', 1)).toEqual(['01-01 00:00:01']);
  });

  it('finds a leap day years ahead', () => {
    expect(nextRunDate({ schedule: '0 0 29 2 *' }, new Date('2097-01-01'))).toEqual(new Date('2104-02-29'));
  });

  it('is due at its end, but not after it', () => {
    const end_time = new Date('2026-01-01T00:01:00Z');
    const schedule = { schedule: '* * * * *', end_time };
    expect(nextRunDate(schedule, new Date('2026-01-01T00:00:30Z'))).toEqual(end_time);
    expect(nextRunDate(schedule, end_time)).toBeNull();
  });
});

describe('at a daylight-saving change', () => {
  const BERLIN = 'Europe/Berlin';
  const NEW_YORK = 'America/New_York';
  /** Changes by half an hour, at 2:00. */
  const LORD_HOWE = 'Australia/Lord_Howe';
  /** Changes at midnight. */
  const HAVANA = 'America/Havana';

  it.each<[string, string, string, string[]]>([
    // 2:00 to 3:00 do not exist on 29 March (1:00 UTC), or on 8 March in New York (7:00 UTC).
    ['30 2 * * *', BERLIN, '2026-03-28T00:00:00Z', ['03-28 01:30', '03-29 01:00', '03-30 00:30']],
    ['30 2 * * *', NEW_YORK, '2026-03-07T00:00:00Z', ['03-07 07:30', '03-08 07:00', '03-09 06:30']],
    // 2:00 to 2:30 do not exist on 4 October (15:30 UTC).
    ['15 2 * * *', LORD_HOWE, '2026-10-02T20:00:00Z', ['10-03 15:30', '10-04 15:15']],
    ['30 0 * * *', HAVANA, '2026-03-07T10:00:00Z', ['03-08 05:00', '03-09 04:30']],
    // Two due times become one.
    ['0 2,3 * * *', BERLIN, '2026-03-28T20:00:00Z', ['03-29 01:00', '03-30 00:00', '03-30 01:00']],
  ])('a skipped time of day is due right after the change: %s in %s', (schedule, timezone, after, expected) => {
    expect(times({ schedule, timezone }, after, expected.length)).toEqual(expected);
  });

  it.each<[string, string, string, string[]]>([
    // 2:00 to 3:00 occur twice on 25 October, 1:00 to 2:00 on 1 November in New York.
    ['30 2 * * *', BERLIN, '2026-10-24T00:00:00Z', ['10-24 00:30', '10-25 00:30', '10-26 01:30']],
    ['30 1 * * *', NEW_YORK, '2026-10-31T00:00:00Z', ['10-31 05:30', '11-01 05:30', '11-02 06:30']],
    // 1:30 to 2:00 occur twice on 4 April 2027.
    ['45 1 * * *', LORD_HOWE, '2027-04-02T20:00:00Z', ['04-03 14:45', '04-04 15:15']],
  ])('a repeated time of day is due once, the first time: %s in %s', (schedule, timezone, after, expected) => {
    expect(times({ schedule, timezone }, after, expected.length)).toEqual(expected);
  });

  it.each<[string, string, string, string[]]>([
    ['*/30 * * * *', BERLIN, '2026-03-29T00:10:00Z', ['03-29 00:30', '03-29 01:00', '03-29 01:30']],
    ['*/30 * * * *', BERLIN, '2026-10-24T23:40:00Z', ['10-25 00:00', '10-25 00:30', '10-25 01:00', '10-25 01:30']],
    ['0 */2 * * *', BERLIN, '2026-10-24T23:00:00Z', ['10-25 00:00', '10-25 01:00', '10-25 03:00']],
    ['*/15 * * * *', LORD_HOWE, '2026-10-03T15:10:00Z', ['10-03 15:15', '10-03 15:30', '10-03 15:45']],
    ['*/15 * * * *', LORD_HOWE, '2027-04-03T14:40:00Z', ['04-03 14:45', '04-03 15:00', '04-03 15:15', '04-03 15:30']],
    // A schedule with several due times within a skipped hour is not due on that day.
    ['*/20 2 * * *', BERLIN, '2026-03-28T20:00:00Z', ['03-30 00:00', '03-30 00:20']],
  ])('a schedule at intervals follows the wall clock: %s in %s', (schedule, timezone, after, expected) => {
    expect(times({ schedule, timezone }, after, expected.length)).toEqual(expected);
  });

  it.each([
    BERLIN,
    NEW_YORK,
    LORD_HOWE,
    HAVANA,
    'Asia/Beirut',
    'Africa/Casablanca',
    'America/St_Johns',
    'Pacific/Chatham',
  ])('due times increase in %s for every schedule', (timezone) => {
    for (const schedule of [
      '*/15 * * * *',
      '15,45 0-3 * * *',
      '10 2 * * *',
      '0 */3 * * *',
      '59 23 * * *',
      '7 7 7 * 7',
    ]) {
      for (const change of clockChanges(timezone)) {
        let now = new Date(change - 2 * DAY);
        for (let count = 0; count < 500 && now.getTime() < change + 2 * DAY; count += 1) {
          const next = nextRunDate({ schedule, timezone }, now)!;
          expect(next.getTime()).toBeGreaterThan(now.getTime());
          now = next;
        }
      }
    }
  });
});

const DAY = 24 * 60 * 60 * 1_000;

/** Midnights (UTC) after which the clocks of a zone were changed within the day, in about a year and a half. */
function clockChanges(timezone: string): number[] {
  const format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' });
  const offsetAt = (time: number): string => format.format(time).split(', ')[1];
  const days = Array.from({ length: 510 }, (_, day) => Date.UTC(2026, 0, 1) + day * DAY);
  const changes = days.filter((day) => offsetAt(day) !== offsetAt(day + DAY));
  expect(changes.length).toBeGreaterThan(1);
  return changes;
}

describe('assertSchedule', () => {
  const messageOf = (schedule: Schedule): string => {
    try {
      assertSchedule(schedule, new Date('2026-01-01'));
      return 'nothing';
    } catch (error) {
      expect(error).toBeInstanceOf(ValidationFailedError);
      return (error as Error).message;
    }
  };

  it.each([
    ['', /five fields/],
    ['* * * *', /five fields/],
    ['* * * * * * *', /five fields/],
    ['2030-01-01T00:00:00', /five fields/],
    ['tomorrow at noon or so, please', /schedule: must be a cron expression/],
    ['60 * * * *', /minute: 60/],
    ['* * 0 * *', /day/i],
    ['* * * * 8', /dayOfWeek: 8/],
    ['*/0 * * * *', /step/],
    ['5-1 * * * *', /larger/],
    ['@reboot', /schedule: must be/],
    ['0 0 30 2 *', /never occurs/],
    ['0 0 31 2,4,6,9,11 *', /never occurs/],
  ])('refuses the schedule %j with an example', (schedule, reason) => {
    expect(messageOf({ schedule })).toMatch(reason);
    expect(messageOf({ schedule })).toContain('for example "0 9 * * 1-5"');
  });

  it.each(['Mars/Phobos', '+02:00', '02:00', 'Europe', ' ', ''])(
    'refuses the time zone %j with an example',
    (timezone) => {
      expect(messageOf({ schedule: '* * * * *', timezone })).toMatch(/timezone: .*for example "Europe\/Berlin"/);
    },
  );

  it.each(['UTC', 'Europe/Berlin', 'Asia/Calcutta', 'US/Eastern', 'America/Argentina/Buenos_Aires'])(
    'accepts the time zone %s',
    (timezone) => {
      expect(messageOf({ schedule: '* * * * *', timezone })).toBe('nothing');
    },
  );
});

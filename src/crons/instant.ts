const INSTANT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Parses an ISO 8601 date-time; undefined when it is invalid. A time without an offset is in UTC: Python's
 * `isoformat()` omits it for a naive datetime, and the time zone of the server must not matter.
 */
export function readInstant(value: unknown): Date | undefined {
  const match = typeof value === 'string' ? INSTANT.exec(value) : null;
  if (!match) {
    return undefined;
  }
  const iso = match[0].replace(' ', 'T').replace(',', '.');
  const date = new Date(match[1] || iso.length === 10 ? iso : `${iso}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const INSTANT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Reads an ISO 8601 date-time; undefined when it is none. Without an offset it is in UTC: Python's `isoformat()` of a
 * naive datetime has none, and what this server's own zone is must not matter.
 */
export function readInstant(text: unknown): Date | undefined {
  const match = typeof text === 'string' ? INSTANT.exec(text) : null;
  if (!match) {
    return undefined;
  }
  const iso = match[0].replace(' ', 'T').replace(',', '.');
  const date = new Date(match[1] || iso.length === 10 ? iso : `${iso}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The first attempt and the retries after it. */
export const MAX_ATTEMPTS = 7;

const FIRST_DELAY_MS = 2_000;
const GROWTH = 4;
const LONGEST_DELAY_MS = 3_600_000;

/**
 * Milliseconds between a failed attempt (from 1 on) and the next: 2 s, 8 s, 32 s, ..., 34 min, so that a receiver may be
 * away for three quarters of an hour. Up to half of it is left to chance: those that failed together do not come back
 * together. A receiver that asks for more time gets it, within limits.
 */
export function retryDelayMs(attempt: number, askedForMs = 0, random: () => number = Math.random): number {
  const delay = FIRST_DELAY_MS * GROWTH ** (attempt - 1) * (1 - random() / 2);
  return Math.min(Math.max(delay, askedForMs), LONGEST_DELAY_MS);
}

/** Milliseconds that a `Retry-After` header asks for: seconds, or a date. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return ms > 0 ? ms : undefined;
}

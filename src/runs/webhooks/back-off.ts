/** The first attempt and the retries after it. */
export const MAX_ATTEMPTS = 7;

const FIRST_DELAY_MS = 2_000;
const GROWTH = 4;
const MAX_DELAY_MS = 3_600_000;

/**
 * Milliseconds between a failed attempt (numbered from 1) and the next: 2 s, 8 s, 32 s, ..., 34 min. A receiver may be
 * unavailable for three quarters of an hour. Jitter removes up to half of the delay, so that deliveries that failed
 * together are not retried together. A receiver that requests a longer delay gets it, up to {@link MAX_DELAY_MS}.
 */
export function retryDelayMs(attempt: number, requestedMs = 0, random: () => number = Math.random): number {
  const delay = FIRST_DELAY_MS * GROWTH ** (attempt - 1) * (1 - random() / 2);
  return Math.min(Math.max(delay, requestedMs), MAX_DELAY_MS);
}

/** Milliseconds that a `Retry-After` header requests, as seconds or as a date. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return ms > 0 ? ms : undefined;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailableError, LockTimeoutError } from './database.errors.js';

/** Node's error codes of failed and broken connections. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** Messages of node-postgres errors without a code. */
const CONNECTION_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|connection error|not queryable|after calling end on the pool/;
/**
 * SQLSTATEs: connection exceptions, insufficient resources, a server that starts, stops or recovers, serialization failures
 * and deadlocks.
 */
const SQLSTATES = /^(08...|53...|57P0[123]|40001|40P01)$/;

/** Delay before the first retry; it doubles up to the maximum. */
const RETRY_DELAY_MS = 50;
const MAX_RETRY_DELAY_MS = 1_000;

/** Maps an error of the driver: a transient one becomes a {@link DatabaseUnavailableError}. */
export function toDatabaseError(driverError: unknown, otherwise: unknown = driverError): unknown {
  if (isLockTimeout(driverError)) {
    return new LockTimeoutError(driverError);
  }
  return isTransient(driverError) ? new DatabaseUnavailableError(driverError) : otherwise;
}

/** True if a statement exceeded its lock timeout. */
export const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === '55P03';

/** True for an error of the database or its connection that a retry may not meet. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const { code } = error as { code?: unknown };
  return typeof code === 'string'
    ? CONNECTION_CODES.has(code) || SQLSTATES.test(code)
    : CONNECTION_MESSAGES.test(error.message);
}

const nextDelay = (delay: number): number => (delay === 0 ? RETRY_DELAY_MS : Math.min(2 * delay, MAX_RETRY_DELAY_MS));

/**
 * Retries `work` until it succeeds, fails permanently, or `timeout_ms` have passed since its first failure. The timeout does
 * not start earlier because a graph that blocks the process can delay an attempt that would otherwise succeed. `isRetry` is
 * true from the second attempt on: the first may have succeeded without a response. `isAbandoned`: the client that waits for
 * the result has disconnected.
 */
export async function retryWhileUnavailable<T>(
  timeout_ms: number,
  work: (isRetry: boolean) => Promise<T>,
  isAbandoned: () => boolean = () => false,
): Promise<T> {
  let deadline = Infinity;
  let failure: unknown;
  for (let delay = 0; performance.now() + delay <= deadline; delay = nextDelay(delay)) {
    if (delay > 0) {
      await sleep(delay);
    }
    try {
      return await work(delay > 0);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || isAbandoned()) {
        throw error;
      }
      failure = error;
      deadline = Math.min(deadline, performance.now() + timeout_ms);
    }
  }
  throw failure;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailableError, LockTimeoutError } from './database.errors.js';

/** Node's codes of a connection that could not be made, or broke. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** What node-postgres says without a code. */
const CONNECTION_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|connection error|not queryable|after calling end on the pool/;
/**
 * SQLSTATE: connection exceptions, lack of resources, a server that starts, stops or recovers, a transaction that met
 * another one in the wrong moment.
 */
const SQLSTATES = /^(08...|53...|57P0[123]|40001|40P01)$/;

/** Milliseconds until the next try: at first, and at most. */
const RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/** What is thrown for an error of the driver: {@link DatabaseUnavailableError} if another try may not meet it. */
export function toDatabaseError(driverError: unknown, otherwise: unknown = driverError): unknown {
  if (isLockTimeout(driverError)) {
    return new LockTimeoutError(driverError);
  }
  return isTransient(driverError) ? new DatabaseUnavailableError(driverError) : otherwise;
}

/** True when a statement has waited for a lock for as long as it may. */
export const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === '55P03';

/** True for an error of the database, or of the way to it, that another try may not meet. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const { code } = error as { code?: unknown };
  return typeof code === 'string'
    ? CONNECTION_CODES.has(code) || SQLSTATES.test(code)
    : CONNECTION_MESSAGES.test(error.message);
}

const nextDelay = (delay: number): number => (delay === 0 ? RETRY_MS : Math.min(2 * delay, LONGEST_RETRY_MS));

/**
 * Tries until it succeeds, fails for good, or `patience_ms` have passed since it first failed: a graph that blocks the
 * process makes a statement fail late that would have succeeded. `again` is true from the second try on: the first may
 * have succeeded without our knowing. `isAbandoned`: the client that waits for the result has left.
 */
export async function retryWhileUnavailable<T>(
  patience_ms: number,
  work: (again: boolean) => Promise<T>,
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
      deadline = Math.min(deadline, performance.now() + patience_ms);
    }
  }
  throw failure;
}

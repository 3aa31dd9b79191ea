import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailableError } from './database.errors.js';

/** Node's codes of a connection that could not be made, or broke. */
const CONNECTION_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT', 'EAI_AGAIN']);
/** What node-postgres says without a code. */
const CONNECTION_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|connection error|not queryable/;
/**
 * SQLSTATE: connection exceptions, lack of resources, a server that starts, stops or recovers, a transaction that met
 * another one in the wrong moment.
 */
const SQLSTATES = /^(08...|53...|57P0[123]|40001|40P01)$/;

/** Milliseconds until the next try: at first, and at most. */
const RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/** True for an error of the database, or of the way to it, that another try may not meet. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const { code } = error as { code?: unknown };
  return typeof code === 'string'
    ? CONNECTION_CODES.has(code) || SQLSTATES.test(code)
    : CONNECTION_MESSAGES.test(error.message);
}

/**
 * Tries until it succeeds, fails for good, or `patience_ms` have passed since it first failed: a graph that blocks the
 * process makes a statement fail late that would have succeeded. `again` is true from the second try on: the first may
 * have succeeded without our knowing.
 */
export async function retryWhileUnavailable<T>(patience_ms: number, work: (again: boolean) => Promise<T>): Promise<T> {
  let deadline = Infinity;
  for (let delay = RETRY_MS, again = false; ; delay = Math.min(2 * delay, LONGEST_RETRY_MS), again = true) {
    try {
      return await work(again);
    } catch (error) {
      deadline = Math.min(deadline, performance.now() + patience_ms);
      if (!(error instanceof DatabaseUnavailableError) || performance.now() + delay > deadline) {
        throw error;
      }
      await sleep(delay);
    }
  }
}

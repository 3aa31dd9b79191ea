import type { RunError } from '../run.entity.js';
import type { ActiveRun } from './active-run.js';

/**
 * Starts the run timeout (`BG_JOB_TIMEOUT_SECS`) when the execution of a run starts. Returns a function that clears it.
 */
export function startRunTimeout(active: ActiveRun, timeout_ms: number): () => void {
  const timer = setTimeout(() => active.stop('timeout'), timeout_ms);
  return () => clearTimeout(timer);
}

/** The error of a run that has exceeded the timeout. */
export const runTimeoutError = (timeout_ms: number): RunError => ({
  error: 'RunTimeout',
  message: `The run took longer than ${timeout_ms / 1000} s (BG_JOB_TIMEOUT_SECS).`,
});

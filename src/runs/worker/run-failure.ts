import { describeError } from '../../common/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import { isDrained, isUnknownInterrupt, LeaseLostError } from '../../execution/index.js';
import type { RunEnd } from '../queue/run-endings.js';
import type { RunError } from '../run.entity.js';
import type { ActiveRun } from './active-run.js';
import { runTimeoutError } from './run-timeout.js';

/** Why a graph did not end by itself. */
export interface Failure {
  status: RunEnd['status'];
  error?: RunError;
  /** The run was rejected before it did anything: the thread keeps its state. */
  refused?: boolean;
  /** The graph has requested its own end before a superstep: the next run can continue from there. */
  drained?: boolean;
}

/** Stops the run with the reason that the error stands for, if it is not an error of the graph. */
export function noteStopReason(active: ActiveRun, error: unknown): void {
  if (error instanceof LeaseLostError) {
    active.stop('lease_lost');
  } else if (error instanceof DatabaseUnavailableError) {
    active.stop('database_lost');
  } else if (active.drain.hasCaused(error)) {
    active.stop('shutdown');
  }
}

/** The failure that the error of an execution means. */
export function failureOf(active: ActiveRun, error: unknown, timeout_ms: number): Failure {
  if (active.stopReason === 'cancelled') {
    return { status: 'interrupted' };
  }
  if (active.run.kwargs.strict_resume && isUnknownInterrupt(error)) {
    const { reason, interruptIds: interrupt_ids, pendingIds: pending_ids } = error;
    const refusal = { ...describeError(error), reason, interrupt_ids, pending_ids };
    return { status: 'error', error: refusal, refused: true };
  }
  if (active.stopReason === undefined && isDrained(error)) {
    return { status: 'interrupted', drained: true };
  }
  return active.stopReason === 'timeout'
    ? { status: 'timeout', error: runTimeoutError(timeout_ms) }
    : { status: 'error', error: describeError(error) };
}

import type { MultitaskStrategy } from '../run.entity.js';
import type { StopAction } from '../queue/run-stops.js';

/** What a new run means for its thread. */
export type MultitaskDecision =
  /** The thread is idle: the run can start at once. */
  | { action: 'start' }
  /** The run waits behind the queued runs of the thread. */
  | { action: 'enqueue' }
  /** The request is rejected. */
  | { action: 'reject' }
  /** The run replaces the active runs, which are stopped without waiting for their graphs. */
  | { action: 'replace'; by: StopAction };

/** Applies the multitask strategy of a new run to its thread (contract 1.3). */
export function resolveMultitask(strategy: MultitaskStrategy, isBusy: boolean): MultitaskDecision {
  if (!isBusy) {
    return { action: 'start' };
  }
  switch (strategy) {
    case 'reject':
    case 'enqueue':
      return { action: strategy };
    case 'interrupt':
    case 'rollback':
      return { action: 'replace', by: strategy };
  }
}

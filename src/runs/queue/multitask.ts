import type { MultitaskStrategy } from '../run.entity.js';

/** How runs are stopped: `interrupt` keeps what they have done, `rollback` removes them and it. */
export type StopAction = 'interrupt' | 'rollback';

/** What a new run means for its thread. */
export type MultitaskDecision =
  /** The thread is idle: the run may begin at once. */
  | { action: 'start' }
  /** The run waits until those before it have ended. */
  | { action: 'enqueue' }
  /** The run is refused. */
  | { action: 'reject' }
  /** The active runs are stopped, without waiting for their graphs, and the run begins in their place. */
  | { action: 'replace'; by: StopAction };

/** Decides what a new run means for a thread that is busy or not (contract 1.3). */
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

import type { MultitaskStrategy } from '../run.entity.js';

/** What to do with a new run. */
export type MultitaskDecision =
  /** The thread is idle: the run may begin at once. */
  | 'start'
  /** The run waits until those before it have ended. */
  | 'enqueue'
  /** The run is refused. */
  | 'reject';

/** Decides what a new run means for a thread that is busy or not. `interrupt` and `rollback` come with issue 3. */
export function resolveMultitask(strategy: MultitaskStrategy, isBusy: boolean): MultitaskDecision {
  if (!isBusy) {
    return 'start';
  }
  return strategy === 'reject' ? 'reject' : 'enqueue';
}

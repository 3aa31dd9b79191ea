import type { Queryable } from '../../database/index.js';
import type { StoppedRun } from '../queue/run-stops.js';

/** A way to stop active runs, in the order of its steps. */
export interface StopMethod {
  /**
   * Stops active runs of a thread in the caller's transaction: all of them, or those in `run_ids`. The caller has locked
   * the thread. `reason` is the `cancel_reason` of runs that are kept.
   */
  stop(db: Queryable, thread_id: string, run_ids?: string[], reason?: string): Promise<StoppedRun[]>;
  /** Releases the thread in the same transaction. `wasExecuted`: one of the runs was running. */
  releaseThread(db: Queryable, thread_id: string, wasExecuted: boolean): Promise<void>;
  /** After the COMMIT: ends the streams, notifies the processes that execute the runs and the waiters. */
  announce(thread_id: string, runs: StoppedRun[]): Promise<void>;
}

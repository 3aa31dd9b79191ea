import type { JsonObject } from '../../common/index.js';
import type { Delivery, RunCaller, RunKwargs } from '../run.entity.js';

/** A run with everything its execution needs. */
export interface ClaimedRun {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  kwargs: RunKwargs;
  metadata: JsonObject;
  caller: RunCaller | null;
  caller_key?: string;
  delivery: Delivery | null;
  /** Starts at 1. */
  attempt: number;
  /** Fencing token: every later write for the run must present it. */
  lease_token: string;
  /** The run has waited for another one and has not written its config to the thread yet. */
  stamps_thread?: boolean;
  /** This process has just created the run and started it: there was no earlier attempt. */
  createdByThisProcess?: true;
}

/** The columns that a claim returns. */
export const CLAIMED_COLUMNS = `run_id, thread_id, assistant_id, caller_key, kwargs, metadata, caller, delivery, attempt,
                                lease_token, on_thread IS NOT NULL AS stamps_thread`;

import type { JsonObject } from '../../common/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { ThreadColumns } from '../../threads/index.js';
import type { StopAction } from './multitask.js';
import type { Delivery, MultitaskStrategy, RunError, RunKwargs, RunStatus, ThreadStamp } from '../run.entity.js';
import type { RunCaller } from '../creation/run-caller.js';

/** A run as it is inserted into the queue. */
export interface NewRun {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  /**
   * Version of the assistant that the run was prepared from. If the assistant has changed since, the run is not
   * inserted.
   */
  assistant_stamp?: string;
  kwargs: RunKwargs;
  metadata: JsonObject;
  caller: RunCaller | null;
  /** The caller whose share of the slots the run uses; absent without a known caller. */
  caller_key?: string;
  delivery: Delivery | null;
  on_disconnect: 'cancel' | null;
  multitask_strategy: MultitaskStrategy;
  /** Milliseconds until the run is due. */
  delay_ms: number;
  /** Runs that become due within this many milliseconds after this run are claimed before it; default 0. */
  priority_delay_ms?: number;
  /** What a queued run writes to its thread when it starts. A run that starts at once has written it already. */
  on_thread?: ThreadStamp;
}

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

/** A run that has been stopped, and its status before. */
export interface StoppedRun {
  run_id: string;
  was: 'pending' | 'running';
}

/** How runs are stopped. */
export interface Stopping {
  action: StopAction;
  /** The `cancel_reason` of runs that are kept. */
  reason?: string;
}

/** The end of a run, as it is written to the run and its thread. */
export interface RunEnd {
  status: Exclude<RunStatus, 'pending' | 'running'>;
  error?: RunError;
  /** New columns of the thread; when absent, the thread keeps its columns. */
  thread?: ThreadColumns;
  /** JSON of the result: bare for a temporary thread, otherwise wrapped by `toOutput`. */
  output: string;
}

/** The columns of a thread that its runs depend on. */
export interface RunThread {
  metadata: JsonObject;
  config: JsonObject;
  interrupts: Record<string, GraphInterrupt[]>;
  newest_run_id: string | null;
  /** Version of the row: changes with every update of the thread. */
  stamp: string;
}

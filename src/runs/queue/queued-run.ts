import type { JsonObject } from '../../common/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { ThreadColumns } from '../../threads/index.js';
import type { StopAction } from './multitask.js';
import type { Delivery, MultitaskStrategy, RunError, RunKwargs, RunStatus, ThreadStamp } from '../run.entity.js';
import type { RunCaller } from '../run-caller.js';

/** A run as it is put into the queue. */
export interface NewRun {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  /** Of the assistant that the run was made from: when that has changed, the run is not created. */
  assistant_stamp?: string;
  kwargs: RunKwargs;
  metadata: JsonObject;
  caller: RunCaller | null;
  /** Whose turn it is when it begins; absent without a known caller. */
  caller_key?: string;
  delivery: Delivery | null;
  on_disconnect: 'cancel' | null;
  multitask_strategy: MultitaskStrategy;
  /** Milliseconds until it may begin. */
  delay_ms: number;
  /** Milliseconds for which runs that are due later are begun before it; none when absent. */
  yields_ms?: number;
  /** For a run that waits for another one; those that do not have left it already. */
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
  /** From 1 on. */
  attempt: number;
  /** Every later write for the run presents it. */
  lease_token: string;
  /** It has waited for another run, and has still to leave its config on the thread. */
  stamps_thread?: boolean;
  /** Created and begun by this process just now: nobody can have begun it before. */
  created_here?: true;
}

/** A run that has been stopped, and what it was doing. */
export interface StoppedRun {
  run_id: string;
  was: 'pending' | 'running';
}

/** How runs are stopped. */
export interface Stopping {
  action: StopAction;
  /** Why, for runs that stay. */
  reason?: string;
}

/** What a run leaves behind. */
export interface RunEnd {
  status: Exclude<RunStatus, 'pending' | 'running'>;
  error?: RunError;
  /** What the thread's row shows; it stays as it was when this is absent. */
  thread?: ThreadColumns;
  /** JSON of the result: by itself if the thread is temporary, else as `toOutput` wraps it. */
  output: string;
}

/** What a thread brings to its runs. */
export interface RunThread {
  metadata: JsonObject;
  config: JsonObject;
  interrupts: Record<string, GraphInterrupt[]>;
  newest_run_id: string | null;
  /** Changes with every change of the thread. */
  stamp: string;
}

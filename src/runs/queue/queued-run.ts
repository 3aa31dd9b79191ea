import type { JsonObject } from '../../common/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { ThreadStatus } from '../../threads/index.js';
import type { MultitaskStrategy, RunError, RunKwargs, RunStatus } from '../run.entity.js';
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
  multitask_strategy: MultitaskStrategy;
  /** Milliseconds until it may begin. */
  delay_ms: number;
}

/** A run with everything its execution needs. */
export interface ClaimedRun {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  kwargs: RunKwargs;
  metadata: JsonObject;
  caller: RunCaller | null;
  /** From 1 on. */
  attempt: number;
  /** Every later write for the run presents it. */
  lease_token: string;
  /** Created and begun by this process just now: nobody can have begun it before. */
  created_here?: true;
}

/** A run that has been stopped, and what it was doing. */
export interface StoppedRun {
  run_id: string;
  was: 'pending' | 'running';
}

/** What a run leaves behind. */
export interface RunEnd {
  status: Exclude<RunStatus, 'pending' | 'running'>;
  error?: RunError;
  /** What becomes of the thread, unless it is temporary; it stays as it was when this is absent. */
  thread?: { status: ThreadStatus; values?: string; interrupts: unknown };
  /** JSON of the answer, kept for a while, if the thread is temporary; else what the answer holds beside its state. */
  output?: string;
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

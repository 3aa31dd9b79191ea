import { type CheckpointOwner, GraphDrain } from '../../execution/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';

/** Why a run is stopped from outside while this process executes it. */
export type StopReason =
  /** A client cancelled the run: it ends as `interrupted` and keeps its checkpoints. */
  | 'cancelled'
  /** The run did not end by itself in time: its row is `interrupted` already. */
  | 'interrupted'
  /** The run was rolled back: its row is deleted. */
  | 'rolled_back'
  /** The run exceeded the run timeout. */
  | 'timeout'
  /** The process shuts down and releases the run. */
  | 'shutdown'
  /** The database was unavailable for the duration of the lease. */
  | 'database_lost'
  /** Another process has claimed the run, or its thread was deleted. */
  | 'lease_lost';

const RESUMED_ELSEWHERE: ReadonlySet<StopReason> = new Set(['shutdown', 'database_lost', 'lease_lost']);

/** A run while this process executes it. */
export class ActiveRun implements CheckpointOwner {
  private readonly controller = new AbortController();
  /** Stops the graph before its next superstep. */
  readonly drain = new GraphDrain();
  stopReason?: StopReason;
  /** See {@link CheckpointOwner}. */
  ready?: () => Promise<void>;

  constructor(
    readonly run: ClaimedRun,
    readonly metadata: Record<string, unknown>,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get run_id(): string {
    return this.run.run_id;
  }

  get lease_token(): string {
    return this.run.lease_token;
  }

  /** True when the run stops in this process and another worker resumes it from its last checkpoint. */
  get resumesElsewhere(): boolean {
    return this.stopReason !== undefined && RESUMED_ELSEWHERE.has(this.stopReason);
  }

  /** Aborts the graph's AbortSignal. The first reason wins. */
  stop(reason: StopReason): void {
    this.stopReason ??= reason;
    this.controller.abort(new Error(`The run was stopped: ${reason}`));
  }
}

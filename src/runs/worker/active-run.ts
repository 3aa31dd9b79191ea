import { type CheckpointOwner, GraphDrain } from '../../execution/index.js';
import type { ClaimedRun } from '../queue/queued-run.js';

/** Why the execution of a run is stopped from outside. */
export type StopReason =
  /** A client cancelled it: it ends as interrupted, with what it has done. */
  | 'cancelled'
  /** It was interrupted without being asked: its row says so already. */
  | 'interrupted'
  /** It was rolled back: it is not in the database any more. */
  | 'rolled_back'
  /** It took longer than allowed. */
  | 'timeout'
  /** The process stops; the run is released. */
  | 'shutdown'
  /** The database did not answer for as long as the lease lasts. */
  | 'database_lost'
  /** Another process has it now, or its thread is gone. */
  | 'lease_lost';

const GOES_ON: ReadonlySet<StopReason> = new Set(['shutdown', 'database_lost', 'lease_lost']);

/** A run while this process executes it. */
export class ActiveRun implements CheckpointOwner {
  private readonly controller = new AbortController();
  /** Ends the run before its next superstep. */
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

  /** It was stopped here and will be taken up from its last checkpoint. */
  get goesOnElsewhere(): boolean {
    return this.stopReason !== undefined && GOES_ON.has(this.stopReason);
  }

  /** Reaches the graph's AbortSignal. The first reason stays. */
  stop(reason: StopReason): void {
    this.stopReason ??= reason;
    this.controller.abort(new Error(`The run was stopped: ${reason}`));
  }
}

import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { type GraphOutcome, type GraphState, toThreadState } from '../../execution/index.js';
import { EventStream, runDone, type RunStream } from '../../streams/index.js';
import { stateUpdate } from '../../threads/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { type RunEnd, RunEndings } from '../queue/run-endings.js';
import { toOutput } from '../results/run-output.js';
import { type FeedbackUrls, settleRun } from '../results/run-result.js';
import { RunResults } from '../results/run-results.js';
import type { RunError } from '../run.entity.js';
import { retryOnOutage } from './retry-on-outage.js';
import type { Failure } from './run-failure.js';

/** How a run ended. */
export interface Ending extends Failure {
  outcome: GraphOutcome;
  feedback?: FeedbackUrls;
}

/** Writes the end of a run: its status, its result and its thread. Then notifies readers and waiters. */
@Injectable()
export class RunFinisher {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly endings: RunEndings,
    private readonly events: EventStream,
    private readonly results: RunResults,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /**
   * Ends a run, unless its lease is lost. True when another run is queued on its thread. Writes the status before the
   * end of the stream: a client that sees the end may read the status at once.
   */
  async finish(run: ClaimedRun, ending: Ending, state?: GraphState, stream?: RunStream): Promise<boolean> {
    const { status, outcome, error, feedback, refused, drained } = ending;
    const { result, thread } = settleRun({ status, drained, error, feedback, outcome, state });
    const end: RunEnd = {
      status,
      error,
      output: run.kwargs.temporary ? result : toOutput(result),
      thread: refused ? undefined : thread,
    };
    const { held, more } = await retryOnOutage(this.config, (isRetry) => this.endInQueue(run, end, isRetry));
    if (!held) {
      this.logger.warn(`run_id=${run.run_id} had lost its lease when it ended; its result is discarded`);
      stream?.disconnect();
      await this.results.check();
      return false;
    }
    await this.notifyReaders(run, status, error, stream);
    this.results.publish(run.run_id, result);
    if (state && this.events.isFollowed(run.thread_id)) {
      void this.events.append(run.thread_id, [stateUpdate(toThreadState(state))]);
    }
    return more;
  }

  /** Ends the run's stream. Without an open stream, the error event is appended to the log first. */
  private async notifyReaders(run: ClaimedRun, status: string, error?: RunError, stream?: RunStream): Promise<void> {
    if (stream) {
      stream.finish(status);
    } else {
      const last = [{ event: 'error', json: JSON.stringify(error) }, runDone(run.run_id, status)];
      await this.events.append(run.thread_id, last, run.run_id);
    }
  }

  /** `isRetry`: the COMMIT outcome of an earlier try is unknown; it may have ended the run. */
  private async endInQueue(run: ClaimedRun, end: RunEnd, isRetry: boolean): Promise<{ held: boolean; more: boolean }> {
    const ended = run.kwargs.temporary
      ? await this.endings.finishTemporary(run, end, this.retentionOf(run))
      : await this.endings.finish(run, end);
    const wasEnded = isRetry && !ended.held && (await this.endings.hasEnded(run, end.status));
    return wasEnded ? { held: true, more: true } : ended;
  }

  /** Milliseconds that a stateless run is kept after its end: at least as long as its stream can be resumed. */
  private retentionOf({ kwargs }: ClaimedRun): number {
    const { queue, streams } = this.config;
    return Math.max(queue.stateless_retention_ms, kwargs.resumable ? streams.resumable_ms : 0);
  }
}

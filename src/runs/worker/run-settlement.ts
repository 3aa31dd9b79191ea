import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { LangSmith } from '../../observability/index.js';
import { RunClaims } from '../queue/run-claims.js';
import { RunEndings } from '../queue/run-endings.js';
import { type FeedbackUrls, ROLLED_BACK, ROLLED_BACK_RESULT, settleRun } from '../results/run-result.js';
import { RunResults } from '../results/run-results.js';
import type { ActiveRun } from './active-run.js';
import { type Attempt, readState } from './attempt.js';
import { retryOnOutage } from './retry-on-outage.js';
import type { Failure } from './run-failure.js';
import { RunFinisher } from './run-finisher.js';

/** Milliseconds that the process waits at shutdown until events are in the log. */
const DRAIN_TIMEOUT_MS = 2_000;

/** The last part of an execution: what a run leaves, once its graph has ended or was stopped. */
@Injectable()
export class RunSettlement {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly finisher: RunFinisher,
    private readonly claims: RunClaims,
    private readonly endings: RunEndings,
    private readonly results: RunResults,
    private readonly langsmith: LangSmith,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** True when another run is queued on the thread. Without a `failure` the graph has ended by itself. */
  async settle(attempt: Attempt, failure: Failure | undefined): Promise<boolean> {
    const { active, stream, graph, execution } = attempt;
    const { run } = active;
    const feedback = await this.feedbackOf(active);
    if (await this.endedFromOutside(attempt)) {
      return false;
    }
    if (feedback) {
      stream.append('feedback', JSON.stringify(feedback));
    }
    if (failure?.error) {
      stream.append('error', JSON.stringify(failure.error));
    }
    const [state] = await Promise.all([
      graph && !run.kwargs.temporary ? readState(graph, run.thread_id) : undefined,
      stream.drained(),
    ]);
    const outcome = execution?.outcome() ?? {};
    return this.finisher.finish(run, { status: 'success', ...failure, outcome, feedback }, state, stream);
  }

  /** Feedback links, for a run that has ended by itself. */
  private async feedbackOf({ run, signal, stopReason }: ActiveRun): Promise<FeedbackUrls | undefined> {
    const { feedback_keys } = run.kwargs;
    return feedback_keys && stopReason === undefined
      ? this.langsmith.feedbackUrls(run.run_id, feedback_keys, signal)
      : undefined;
  }

  /**
   * True when the run was stopped from outside and its row is already decided, or another worker resumes it; this
   * process only notifies its readers.
   */
  private async endedFromOutside(attempt: Attempt): Promise<boolean> {
    switch (attempt.active.stopReason) {
      case undefined:
      case 'cancelled':
      case 'timeout':
        return false;
      case 'interrupted':
        await this.endInterrupted(attempt);
        return true;
      case 'rolled_back':
        attempt.stream.end({ event: 'error', json: JSON.stringify(ROLLED_BACK) });
        this.results.publish(attempt.active.run_id, ROLLED_BACK_RESULT);
        return true;
      case 'shutdown':
      case 'database_lost':
      case 'lease_lost':
        await this.leaveToAnotherWorker(attempt, attempt.active.stopReason);
        return true;
    }
  }

  private async endInterrupted({ active: { run }, stream, execution }: Attempt): Promise<void> {
    stream.end();
    if (run.kwargs.temporary) {
      // The run has no checkpoints: only this process knows its values.
      const { result } = settleRun({ status: 'interrupted', outcome: execution?.outcome() });
      await retryOnOutage(this.config, () => this.endings.keepOutput(run.run_id, result));
    }
    this.results.publish(run.run_id);
  }

  private async leaveToAnotherWorker(
    { active: { run }, stream }: Attempt,
    reason: 'shutdown' | 'database_lost' | 'lease_lost',
  ): Promise<void> {
    switch (reason) {
      case 'shutdown':
        // Bounded, because the log may be unavailable.
        await Promise.race([stream.drained(), sleep(DRAIN_TIMEOUT_MS, undefined, { ref: false })]);
        await this.claims.release(run);
        stream.disconnect();
        return;
      case 'database_lost':
        this.logger.warn(`run_id=${run.run_id} lost the database; it will resume from its last checkpoint`);
        await retryOnOutage(this.config, () => this.claims.release(run, { countsAttempt: true }));
        stream.disconnect();
        return;
      case 'lease_lost':
        stream.disconnect();
        this.logger.warn(`run_id=${run.run_id} lost its lease; its further output is discarded`);
        await this.results.check();
    }
  }
}

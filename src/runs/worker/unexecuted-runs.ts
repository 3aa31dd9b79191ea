import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Refusal, RunRecheck } from '../access/run-recheck.js';
import { errorText } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import type { RunStream } from '../../streams/index.js';
import { ThreadStateService } from '../../threads/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { maxAttempts } from './max-attempts.js';
import { retryOnOutage } from './retry-on-outage.js';
import { RunFinisher } from './run-finisher.js';

/** Ends runs that are not executed: those whose caller has lost the permission, and those that are out of retries. */
@Injectable()
export class UnexecutedRuns {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly finisher: RunFinisher,
    private readonly recheck: RunRecheck,
    private readonly threadState: ThreadStateService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  isOutOfRetries({ attempt }: ClaimedRun): boolean {
    return attempt > maxAttempts(this.config);
  }

  /**
   * Ends a run that is out of retries: in each attempt its process crashed, lost the database, or renewed the lease too
   * late. True when another run is queued on its thread. Never throws: after a failure, a later poll finds the run
   * again.
   */
  async giveUp(run: ClaimedRun): Promise<boolean> {
    const attempts = Math.min(run.attempt, maxAttempts(this.config));
    const message = `Given up after ${attempts} attempts: each time, the process that executed the run stopped or lost its lease.`;
    const error = { error: 'RunLost', message };
    try {
      const more = await this.finisher.finish(run, { status: 'error', outcome: {}, error });
      if (!run.kwargs.temporary) {
        await this.threadState.refresh(run.thread_id);
      }
      return more;
    } catch (failure) {
      this.logger.error(`run_id=${run.run_id} could not be given up: ${errorText(failure)}`);
      return false;
    }
  }

  /** Checks the permission of a queued run again. A run that starts when it is created has just been checked. */
  async refusalOf(run: ClaimedRun): Promise<Refusal | undefined> {
    const { createdByThisProcess, kwargs, thread_id, caller } = run;
    const subject = { ...run, thread_id: kwargs.temporary ? null : thread_id };
    return createdByThisProcess ? undefined : retryOnOutage(this.config, () => this.recheck.refusalOf(subject, caller));
  }

  /** Ends a run whose caller has lost the permission. In a first attempt, the thread keeps its state. */
  async refuse(run: ClaimedRun, { message }: Refusal, stream: RunStream): Promise<boolean> {
    const { run_id, thread_id, attempt, kwargs } = run;
    const error = { error: 'RunNotAllowed', message };
    this.logger.warn(`run_id=${run_id} is not executed: ${message}`);
    stream.append('error', JSON.stringify(error));
    await stream.drained();
    const isFirst = attempt === 1;
    const ending = { status: 'error' as const, outcome: {}, error, refused: isFirst };
    const more = await this.finisher.finish(run, ending, undefined, stream);
    if (!isFirst && !kwargs.temporary) {
      await this.threadState.refresh(thread_id);
    }
    return more;
  }
}

import { Inject, Injectable, Logger } from '@nestjs/common';
import { RunStopService } from '../cancel/run-stop.service.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { RunClaims } from '../queue/run-claims.js';
import { RunEndings } from '../queue/run-endings.js';
import { WebhookWorker } from '../webhooks/webhook-worker.js';
import { maxAttempts } from './max-attempts.js';
import { UnexecutedRuns } from './unexecuted-runs.js';

/** Hidden threads that one statement of the sweep deletes. */
const EXPIRED_BATCH = 500;

/** Cleans up what other processes have left: expired threads, overdue cancellations, runs that are out of retries. */
@Injectable()
export class QueueSweep {
  private readonly logger = new Logger('Worker');

  constructor(
    private readonly claims: RunClaims,
    private readonly endings: RunEndings,
    private readonly stopper: RunStopService,
    private readonly unexecuted: UnexecutedRuns,
    private readonly webhooks: WebhookWorker,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Never throws: the next sweep tries again. */
  async run(): Promise<void> {
    try {
      await this.deleteExpired();
      await this.stopper.stopOverdue();
      for (const run of await this.claims.findOutOfRetries(maxAttempts(this.config))) {
        await this.unexecuted.giveUp(run);
        this.webhooks.announce(run.kwargs.webhook);
      }
    } catch (error) {
      this.logger.warn(`Poll of the run queue failed, the next poll tries again: ${String(error)}`);
    }
  }

  private async deleteExpired(): Promise<void> {
    let deleted: number;
    do {
      deleted = await this.endings.deleteExpired(EXPIRED_BATCH);
    } while (deleted === EXPIRED_BATCH);
  }
}

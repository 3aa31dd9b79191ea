import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeError, errorStack, errorText, toInspectable } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import { RunCheckpointer } from '../../execution/index.js';
import { EventStream, type RunStream, type StreamedRun } from '../../streams/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import type { ActiveRun } from './active-run.js';
import type { Attempt } from './attempt.js';
import { type Failure, failureOf, noteStopReason } from './run-failure.js';
import { type Ending, RunFinisher } from './run-finisher.js';
import { RunPreparation } from './run-preparation.js';
import { RunSettlement } from './run-settlement.js';
import { UnexecutedRuns } from './unexecuted-runs.js';

/**
 * Executes one claimed run, from its first event to the status, result and thread state that it leaves: prepares the
 * attempt, executes the graph, settles the end.
 */
@Injectable()
export class RunLifecycle {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly unexecuted: UnexecutedRuns,
    private readonly preparation: RunPreparation,
    private readonly settlement: RunSettlement,
    private readonly finisher: RunFinisher,
    private readonly events: EventStream,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Executes a claimed run to its end. True when another run is queued on its thread. Never throws. */
  async execute(active: ActiveRun): Promise<boolean> {
    const { run } = active;
    if (this.unexecuted.isOutOfRetries(run)) {
      return this.unexecuted.giveUp(run);
    }
    const stream = this.openStream(run);
    try {
      const refusal = await this.unexecuted.refusalOf(run);
      return await (refusal ? this.unexecuted.refuse(run, refusal, stream) : this.runToEnd(active, stream));
    } catch (error) {
      return this.endAfter(error, active, stream);
    }
  }

  private openStream(run: ClaimedRun): RunStream {
    const { run_id, thread_id, lease_token, attempt, kwargs } = run;
    const { resumable } = kwargs;
    const stream = this.events.open({ run_id, thread_id, lease_token, resumable, reader: readerOf(run) });
    stream.append('metadata', JSON.stringify({ run_id, attempt }));
    return stream;
  }

  private async runToEnd(active: ActiveRun, stream: RunStream): Promise<boolean> {
    const attempt = this.preparation.begin(active, stream);
    const failure = await this.executeGraph(attempt);
    return this.settlement.settle(attempt, failure);
  }

  /** Returns why the graph did not end by itself; undefined when it did. */
  private async executeGraph(attempt: Attempt): Promise<Failure | undefined> {
    const { active, checkpointer } = attempt;
    try {
      const execution = await this.preparation.prepare(attempt);
      await execution?.run();
      return undefined;
    } catch (thrown) {
      const error = toInspectable(thrown);
      noteStopReason(active, error);
      if (checkpointer instanceof RunCheckpointer) {
        await checkpointer.settled();
      }
      return failureOf(active, error, this.config.queue.timeout_ms);
    }
  }

  /**
   * An error outside the graph ends the run as well. If the database is unavailable, or another worker is to resume the
   * run, the run is left alone and its lease expires.
   */
  private async endAfter(error: unknown, active: ActiveRun, stream: RunStream): Promise<boolean> {
    const { run } = active;
    this.logger.error(`run_id=${run.run_id} failed outside of its graph`, errorStack(error));
    if (!(error instanceof DatabaseUnavailableError) && !active.resumesElsewhere) {
      try {
        const ending: Ending = { status: 'error', error: describeError(error), outcome: {} };
        stream.append('error', JSON.stringify(ending.error));
        return await this.finisher.finish(run, ending, undefined, stream);
      } catch (again) {
        this.logger.error(`run_id=${run.run_id} could not be ended with status error: ${errorText(again)}`);
      }
    }
    stream.disconnect();
    return false;
  }
}

/** Where the client reads that requested the stream when it created the run. */
function readerOf({ delivery, createdByThisProcess }: ClaimedRun): StreamedRun['reader'] {
  switch (delivery) {
    case null:
      return 'later';
    case 'wait':
      return 'nowhere';
    case 'stream':
      return createdByThisProcess ? 'here' : 'elsewhere';
  }
}

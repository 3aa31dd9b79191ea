import { Injectable, Logger } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { DatabaseUnavailableError } from '../../database/index.js';
import { type GraphInterrupt, GraphStateService } from '../../execution/index.js';
import { type SettledState, ThreadsService } from '../../threads/index.js';
import { RunEndings } from '../queue/run-endings.js';
import type { RunEntity } from '../run.entity.js';
import { ownerOf } from './run-owner.js';
import { type FeedbackUrls, type RunEnding, settleRun } from './run-result.js';
import { fromOutput, toOutput } from './run-output.js';

/**
 * Results of ended runs, for readers that come later or to another process. A run that ended by itself has stored its
 * result with its status. For a run that was stopped from outside, the first reader computes the result from the run's
 * last checkpoint and stores it, because later runs may change the thread.
 */
@Injectable()
export class StoredResults {
  private readonly logger = new Logger('Runs');

  constructor(
    private readonly endings: RunEndings,
    private readonly threads: ThreadsService,
    private readonly graphState: GraphStateService,
  ) {}

  /** JSON for `wait` and `join`. */
  async get(run: RunEntity): Promise<string> {
    const output = await this.endings.findOutput(run.run_id);
    if (run.kwargs.temporary) {
      return output ?? '{}';
    }
    const { result, feedback } = fromOutput(output);
    return result ?? this.settle(run, feedback);
  }

  private async settle(run: RunEntity, feedback: FeedbackUrls | undefined): Promise<string> {
    const ending: RunEnding = { status: run.status as RunEnding['status'], error: run.error, feedback };
    if (run.error) {
      return this.keep(run.run_id, ending);
    }
    try {
      const state = await this.graphState.getFinalState(ownerOf(run), run.run_id);
      return await this.keep(run.run_id, { ...ending, state: state ?? (await this.threadAsState(run.thread_id)) });
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) {
        throw error;
      }
      // The graph may work for the next reader, so the thread's values are returned but not stored as the result.
      this.logger.warn(`run_id=${run.run_id} the final state could not be read: ${errorText(error)}`);
      return settleRun({ ...ending, state: await this.threadAsState(run.thread_id) }).result;
    }
  }

  /** Stores the result. Concurrent readers get the same result: the first one stored wins. */
  private async keep(run_id: string, ending: RunEnding): Promise<string> {
    const { result } = settleRun(ending);
    return fromOutput(await this.endings.keepOutput(run_id, toOutput(result))).result ?? result;
  }

  /** The state of a run that wrote no checkpoint: that of its thread, which the run did not change. */
  private async threadAsState(thread_id: string): Promise<SettledState> {
    const { values, interrupts } = await this.threads.find(thread_id, ['thread_id', 'values', 'interrupts']);
    const tasks = Object.entries(interrupts as Record<string, GraphInterrupt[]>);
    return { values, tasks: tasks.map(([id, pending]) => ({ id, interrupts: pending })) };
  }
}

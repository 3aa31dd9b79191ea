import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications, type Queryable } from '../../database/index.js';
import { EventStream, runDone } from '../../streams/index.js';
import { RunStops, type StoppedRun } from '../queue/run-stops.js';
import { ROLLED_BACK, ROLLED_BACK_RESULT } from '../results/run-result.js';
import { RunResults } from '../results/run-results.js';
import type { StopMethod } from './stop-method.js';

/**
 * The rollback of runs: as if they had never been created. This file has all steps, in their order.
 *
 * In one transaction, after it has locked the thread:
 *  1. delete the runs, and with them their leases: from now on their graphs can write nothing;
 *  2. delete the checkpoints and writes of the runs;
 *  3. release the thread: it gets back its status and the graph of its last run. (With the multitask strategy
 *     `rollback`, the new run takes the thread instead.)
 *
 * After the COMMIT, for each run:
 *  4. append the error and the end to the event log, for readers of the stream;
 *  5. notify the process that executes the run: it aborts the graph, and its waiters get the error as the result;
 *  6. notify the waiters of a run that no process executes.
 */
@Injectable()
export class Rollback implements StopMethod {
  constructor(
    private readonly stops: RunStops,
    private readonly events: EventStream,
    private readonly results: RunResults,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Steps 1 and 2. */
  async stop(db: Queryable, thread_id: string, run_ids?: string[]): Promise<StoppedRun[]> {
    const runs = await this.stops.deleteRuns(db, thread_id, run_ids);
    if (runs.length > 0) {
      await this.stops.deleteCheckpoints(db, thread_id, runs);
    }
    return runs;
  }

  /** Step 3. */
  async releaseThread(db: Queryable, thread_id: string): Promise<void> {
    const retentionMs = this.config.queue.stateless_retention_ms;
    await this.stops.releaseThread(db, thread_id, { interrupted: false, retentionMs });
    await this.stops.stampAsLastRun(db, thread_id);
  }

  /** Steps 4 to 6. */
  async announce(thread_id: string, runs: StoppedRun[]): Promise<void> {
    const error = { event: 'error', json: JSON.stringify(ROLLED_BACK) };
    for (const { run_id, was } of runs) {
      await this.events.append(thread_id, [error, runDone(run_id, 'interrupted')], run_id);
      this.notifications.publish({ topic: 'run_rolled_back', id: run_id });
      if (was === 'pending') {
        this.results.publish(run_id, ROLLED_BACK_RESULT);
      }
    }
  }
}

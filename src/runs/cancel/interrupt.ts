import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications, type Queryable } from '../../database/index.js';
import { EventStream, runDone } from '../../streams/index.js';
import { ThreadStateService } from '../../threads/index.js';
import { RunStops, type StoppedRun } from '../queue/run-stops.js';
import { RunResults } from '../results/run-results.js';
import type { StopMethod } from './stop-method.js';

/**
 * The interruption of runs that have not ended by themselves: they keep their checkpoints. This file has all steps, in
 * their order.
 *
 * In one transaction, after it has locked the thread:
 *  1. end the runs and remove their leases: from now on their graphs can write nothing;
 *  2. release the thread. (With the multitask strategy `interrupt`, the new run takes the thread instead.)
 *
 * After the COMMIT:
 *  3. wake the webhook workers; for each run, append its end to the event log, notify the process that executes it,
 *     which aborts the graph, and notify the waiters of a run that no process executes;
 *  4. write the state of an executed run to its thread: the run did not reach its end, where it would have done so.
 */
@Injectable()
export class Interrupt implements StopMethod {
  constructor(
    private readonly stops: RunStops,
    private readonly events: EventStream,
    private readonly results: RunResults,
    private readonly threadState: ThreadStateService,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Step 1. */
  stop(db: Queryable, thread_id: string, run_ids?: string[], reason?: string): Promise<StoppedRun[]> {
    return this.stops.interrupt(db, thread_id, run_ids, reason);
  }

  /** Step 2. If no run was executed, the runs leave nothing: the thread gets back the graph of its last run. */
  async releaseThread(db: Queryable, thread_id: string, wasExecuted: boolean): Promise<void> {
    const retentionMs = this.config.queue.stateless_retention_ms;
    await this.stops.releaseThread(db, thread_id, { interrupted: wasExecuted, retentionMs });
    if (!wasExecuted) {
      await this.stops.stampAsLastRun(db, thread_id);
    }
  }

  /** Step 3. */
  async announce(thread_id: string, runs: StoppedRun[]): Promise<void> {
    if (runs.length > 0) {
      this.notifications.publish({ topic: 'webhook_queued', id: '' });
    }
    for (const { run_id, was } of runs) {
      await this.events.append(thread_id, [runDone(run_id, 'interrupted')], run_id);
      this.notifications.publish({ topic: 'run_interrupted', id: run_id });
      if (was === 'pending') {
        this.results.publish(run_id);
      }
    }
  }

  /** Step 4. */
  refreshThread(thread_id: string): Promise<void> {
    return this.threadState.refresh(thread_id);
  }
}

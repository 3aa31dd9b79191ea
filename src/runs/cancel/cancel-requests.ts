import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Notifications } from '../../database/index.js';
import { RunStops } from '../queue/run-stops.js';
import { RunResults } from '../results/run-results.js';

/** Milliseconds in which a cancelled run can end by itself. */
const CANCEL_TIMEOUT_MS = 1_000;

/** Milliseconds after which another process stops a run whose cancellation was requested but not completed. */
const OVERDUE_AFTER_MS = 2 * CANCEL_TIMEOUT_MS;

/** Requests that running runs end by themselves. They usually do within milliseconds, and keep their progress. */
@Injectable()
export class CancelRequests {
  constructor(
    private readonly stops: RunStops,
    private readonly results: RunResults,
    private readonly notifications: Notifications,
  ) {}

  /** Stores the request in the database. Returns those of the runs that are running. */
  store(thread_id: string, run_ids: string[], reason?: string): Promise<string[]> {
    return this.stops.requestCancel(thread_id, run_ids, reason);
  }

  /** Runs whose cancellation is overdue, because the process that would have stopped them has crashed. By thread. */
  findOverdue(): Promise<Map<string, string[]>> {
    return this.stops.findOverdueCancels(OVERDUE_AFTER_MS);
  }

  /** Cancels the running run of a thread and waits briefly, so that it can end by itself before it is replaced. */
  async cancelRunningOn(thread_id: string): Promise<void> {
    await this.cancelAndWait(await this.stops.findRunningOn(thread_id));
  }

  /**
   * Notifies the processes that execute the runs, and waits at most {@link CANCEL_TIMEOUT_MS}. A run that ends by itself
   * keeps its progress, also with durability `exit`. Afterwards the caller stops the others.
   */
  async cancelAndWait(run_ids: string[]): Promise<void> {
    if (run_ids.length === 0) {
      return;
    }
    const waiters = run_ids.map((run_id) => this.results.wait(run_id));
    run_ids.forEach((id) => this.notifications.publish({ topic: 'run_cancelled', id }));
    const timer = new AbortController();
    const timeout = sleep(CANCEL_TIMEOUT_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([Promise.all(waiters.map(({ completion }) => completion)), timeout]);
    timer.abort();
    waiters.forEach(({ cancel }) => cancel());
  }
}

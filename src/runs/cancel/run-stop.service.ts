import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { Notifications, type Queryable, Sql } from '../../database/index.js';
import type { StopAction, StoppedRun, Stopping } from '../queue/run-stops.js';
import { CancelRequests } from './cancel-requests.js';
import { Interrupt } from './interrupt.js';
import { Rollback } from './rollback.js';
import type { StopMethod } from './stop-method.js';

/** Threads whose runs one request stops concurrently. */
const MAX_CONCURRENT_STOPS = 32;

/**
 * Stops active runs, in any process: by `interrupt`, which keeps them, or by {@link Rollback}, which deletes them.
 *
 * `interrupt` first gives a running run the chance to end by itself ({@link CancelRequests}). {@link Interrupt} then
 * stops those that have not ended.
 *
 * The database decides: without its lease, a graph can write nothing more. So no client waits for a node that ignores
 * its signal, or for a process that has crashed.
 */
@Injectable()
export class RunStopService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Runs');
  /** Stops in progress that no request waits for. */
  private readonly pendingStops = new Set<Promise<void>>();

  constructor(
    private readonly sql: Sql,
    private readonly requests: CancelRequests,
    private readonly interrupt: Interrupt,
    private readonly rollback: Rollback,
    private readonly notifications: Notifications,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.pendingStops);
  }

  /**
   * Stops runs, given by thread. Threads are stopped concurrently, so that the timeouts of runs that do not end add up
   * less.
   */
  async stopAll(runs: Map<string, string[]>, stopping: Stopping): Promise<number> {
    let stopped = 0;
    const threads = runs.entries();
    const stopper = async (): Promise<void> => {
      for (const [thread_id, run_ids] of threads) {
        const active = await this.stop(thread_id, run_ids, stopping);
        stopped += active;
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT_STOPS }, stopper));
    return stopped;
  }

  /** Stops runs of a thread and returns how many were active. Ended runs stay as they are. */
  async stop(thread_id: string, run_ids: string[], stopping: Stopping): Promise<number> {
    const requested = await this.requestCancel(thread_id, run_ids, stopping);
    return this.stopRequested(thread_id, run_ids, requested, stopping);
  }

  /**
   * Like {@link stop}, but does not wait for a running run: the database holds the request, so the run will be stopped.
   */
  async requestStop(thread_id: string, run_id: string, stopping: Stopping): Promise<void> {
    const requested = await this.requestCancel(thread_id, [run_id], stopping);
    const stopped = this.stopRequested(thread_id, [run_id], requested, stopping);
    if (requested.length === 0) {
      await stopped;
      return;
    }
    const done = stopped
      .then(
        () => undefined,
        (error: unknown) =>
          this.logger.warn(`run_id=${run_id} could not be stopped, a later poll tries again: ${errorText(error)}`),
      )
      .finally(() => this.pendingStops.delete(done));
    this.pendingStops.add(done);
  }

  /** Stops runs whose cancellation is overdue. */
  async stopOverdue(): Promise<void> {
    await this.stopAll(await this.requests.findOverdue(), { action: 'interrupt' });
  }

  /** See {@link CancelRequests.cancelRunningOn}. */
  cancelRunningOn(thread_id: string): Promise<void> {
    return this.requests.cancelRunningOn(thread_id);
  }

  /**
   * Stops all active runs of a thread for a new run, in the caller's transaction, which has locked the thread. Call
   * {@link announce} after its COMMIT.
   */
  replace(db: Queryable, thread_id: string, by: StopAction): Promise<StoppedRun[]> {
    return this.methodOf(by).stop(db, thread_id);
  }

  /** After the COMMIT: ends the streams of the runs, and notifies the processes that execute them and their waiters. */
  announce(thread_id: string, stopped: StoppedRun[], action: StopAction): Promise<void> {
    return this.methodOf(action).announce(thread_id, stopped);
  }

  private methodOf(action: StopAction): StopMethod {
    return action === 'interrupt' ? this.interrupt : this.rollback;
  }

  /** Returns the runs that can end by themselves. A rollback skips this: it keeps no progress. */
  private requestCancel(thread_id: string, run_ids: string[], { action, reason }: Stopping): Promise<string[]> {
    return action === 'interrupt' ? this.requests.store(thread_id, run_ids, reason) : Promise.resolve([]);
  }

  private async stopRequested(
    thread_id: string,
    run_ids: string[],
    requested: string[],
    { action, reason }: Stopping,
  ): Promise<number> {
    const method = this.methodOf(action);
    await this.requests.cancelAndWait(requested);
    const stopped = await this.sql.transaction(async (db) => {
      await db.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const runs = await method.stop(db, thread_id, run_ids, reason);
      if (runs.length > 0) {
        await method.releaseThread(db, thread_id, requested.length > 0 || runs.some(wasRunning));
      }
      return runs;
    });
    await this.announce(thread_id, stopped, action);
    if (stopped.some(wasRunning)) {
      if (action === 'interrupt') {
        await this.interrupt.refreshThread(thread_id);
      }
      this.notifications.publish({ topic: 'run_pending', id: '' });
    }
    return new Set([...requested, ...stopped.map(({ run_id }) => run_id)]).size;
  }
}

const wasRunning = ({ was }: StoppedRun): boolean => was === 'running';

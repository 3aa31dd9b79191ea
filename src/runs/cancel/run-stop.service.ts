import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications, type Queryable, Sql } from '../../database/index.js';
import { EventStream, runDone } from '../../streams/index.js';
import { ThreadStateService } from '../../threads/index.js';
import { RunStops, type StopAction, type StoppedRun, type Stopping } from '../queue/run-stops.js';
import { ROLLED_BACK, ROLLED_BACK_RESULT } from '../results/run-result.js';
import { RunResults } from '../results/run-results.js';

/** Milliseconds in which a cancelled run can end by itself. */
const CANCEL_TIMEOUT_MS = 1_000;

/** Milliseconds after which another process stops a run whose cancellation was requested but not completed. */
const OVERDUE_AFTER_MS = 2 * CANCEL_TIMEOUT_MS;

/** Threads whose runs one request stops concurrently. */
const MAX_CONCURRENT_STOPS = 32;

/**
 * Stops active runs, in any process: by `interrupt`, which keeps them, or by `rollback`, which deletes them.
 *
 * `interrupt`: requests the cancellation in the database, notifies the process that executes the run, waits {@link
 * CANCEL_TIMEOUT_MS} for the run to end by itself, then stops it as below.
 *
 * Both, in one transaction: lock the thread; end the runs and remove their leases (`interrupt`), or delete the runs and
 * their checkpoints (`rollback`); release the thread and restore its status and metadata. After the commit: append the
 * last events to the stream, abort the graphs in their processes, notify the waiters, refresh the thread's state.
 *
 * The database decides: without its lease, a graph can write nothing more. So no client waits for a node that ignores
 * its signal, or for a process that has died.
 */
@Injectable()
export class RunStopService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Runs');
  /** Stops in progress that no request waits for. */
  private readonly pendingStops = new Set<Promise<void>>();

  constructor(
    private readonly sql: Sql,
    private readonly stops: RunStops,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly threadState: ThreadStateService,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
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

  /** Stops runs whose cancellation is overdue, because the process that would have stopped them has died. */
  async stopOverdue(): Promise<void> {
    await this.stopAll(await this.stops.findOverdueCancels(OVERDUE_AFTER_MS), { action: 'interrupt' });
  }

  /** Cancels the running run of a thread and waits briefly, so that it can end by itself before it is replaced. */
  async cancelRunningOn(thread_id: string): Promise<void> {
    await this.requestCancelAndWait(await this.stops.findRunningOn(thread_id));
  }

  /**
   * After the commit: appends the last events for readers of the log, notifies the processes that execute the runs, and
   * notifies waiters.
   */
  async announce(thread_id: string, stopped: StoppedRun[], action: StopAction): Promise<void> {
    const error = action === 'rollback' ? ROLLED_BACK : undefined;
    const last = error && { event: 'error', json: JSON.stringify(error) };
    if (stopped.length > 0 && action === 'interrupt') {
      this.notifications.publish({ topic: 'webhook_queued', id: '' });
    }
    for (const { run_id, was } of stopped) {
      await this.events.append(thread_id, [...(last ? [last] : []), runDone(run_id, 'interrupted')], run_id);
      this.notifications.publish({ topic: action === 'interrupt' ? 'run_interrupted' : 'run_rolled_back', id: run_id });
      if (was === 'pending') {
        this.results.publish(run_id, error && ROLLED_BACK_RESULT);
      }
    }
  }

  /**
   * Requests the cancellation and returns the runs that can end by themselves. A rollback skips this: it keeps no
   * progress.
   */
  private requestCancel(thread_id: string, run_ids: string[], { action, reason }: Stopping): Promise<string[]> {
    return action === 'interrupt' ? this.stops.requestCancel(thread_id, run_ids, reason) : Promise.resolve([]);
  }

  private async stopRequested(
    thread_id: string,
    run_ids: string[],
    requested: string[],
    stopping: Stopping,
  ): Promise<number> {
    await this.requestCancelAndWait(requested);
    const stopped = await this.sql.transaction(async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const runs = await this.stops.stop(client, thread_id, run_ids, stopping);
      if (runs.length > 0) {
        const interrupted = stopping.action === 'interrupt' && (requested.length > 0 || runs.some(wasRunning));
        await this.releaseThread(client, thread_id, interrupted);
      }
      return runs;
    });
    await this.announce(thread_id, stopped, stopping.action);
    if (stopping.action === 'interrupt' && stopped.some(wasRunning)) {
      // The run did not reach its end, where it would have written its state to the thread.
      await this.threadState.refresh(thread_id);
    }
    if (stopped.some(wasRunning)) {
      this.notifications.publish({ topic: 'run_pending', id: '' });
    }
    return new Set([...requested, ...stopped.map(({ run_id }) => run_id)]).size;
  }

  /**
   * If no running run was interrupted, the stopped runs leave nothing: the thread gets back the graph of its last run.
   */
  private async releaseThread(client: Queryable, thread_id: string, interrupted: boolean): Promise<void> {
    const retentionMs = this.config.queue.stateless_retention_ms;
    await this.stops.releaseThread(client, thread_id, { interrupted, retentionMs });
    if (!interrupted) {
      await this.stops.stampAsLastRun(client, thread_id);
    }
  }

  /**
   * Notifies the processes that execute the runs, and waits at most {@link CANCEL_TIMEOUT_MS}. A notified run usually
   * ends by itself within milliseconds and keeps its progress, also with durability `exit`. Afterwards the caller stops
   * the others.
   */
  private async requestCancelAndWait(run_ids: string[]): Promise<void> {
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

const wasRunning = ({ was }: StoppedRun): boolean => was === 'running';

import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { errorText } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Notifications, type Queryable, Sql } from '../database/index.js';
import { EventStream, runDone } from '../streams/index.js';
import { ThreadStateService } from '../threads/index.js';
import type { StopAction } from './queue/multitask.js';
import type { StoppedRun, Stopping } from './queue/queued-run.js';
import { RunQueue } from './queue/run-queue.js';
import { ROLLED_BACK, ROLLED_BACK_RESULT } from './worker/run-result.js';
import { RunResults } from './worker/run-results.js';

/** Milliseconds that a run has to end by itself when it is cancelled. */
const PATIENCE_MS = 1_000;

/** Milliseconds after which a run that was asked to end is stopped, though nobody is left who waits for it. */
const OVERDUE_MS = 2 * PATIENCE_MS;

/** Threads whose runs one request stops at a time. */
const SIDE_BY_SIDE = 32;

/**
 * Stops active runs, wherever they are. The database decides: once a run's lease is gone its graph can write nothing
 * more, so nobody waits for a node that ignores its signal, or for a process that is gone.
 */
@Injectable()
export class RunStopService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Runs');
  /** Runs that have a moment to end, while nobody waits for them. */
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly sql: Sql,
    private readonly queue: RunQueue,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly threadState: ThreadStateService,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Runs by thread. Those that do not answer are waited for side by side, not one after the other. */
  async stopAll(runs: Map<string, string[]>, stopping: Stopping): Promise<number> {
    let stopped = 0;
    const threads = runs.entries();
    const stopper = async (): Promise<void> => {
      for (const [thread_id, run_ids] of threads) {
        const active = await this.stop(thread_id, run_ids, stopping);
        stopped += active;
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, stopper));
    return stopped;
  }

  /** Gives the number of runs that were active; those that had ended stay as they are. */
  async stop(thread_id: string, run_ids: string[], stopping: Stopping): Promise<number> {
    const asked = await this.requestEnd(thread_id, run_ids, stopping);
    return this.stopAsked(thread_id, run_ids, asked, stopping);
  }

  /** The same, but for a run that is being executed nobody waits: that it will end is in the database. */
  async stopSoon(thread_id: string, run_id: string, stopping: Stopping): Promise<void> {
    const asked = await this.requestEnd(thread_id, [run_id], stopping);
    const stopped = this.stopAsked(thread_id, [run_id], asked, stopping);
    if (asked.length === 0) {
      await stopped;
      return;
    }
    const done = stopped
      .then(
        () => undefined,
        (error: unknown) => this.logger.warn(`run_id=${run_id} will be stopped later: ${errorText(error)}`),
      )
      .finally(() => this.underWay.delete(done));
    this.underWay.add(done);
  }

  /** Stops runs that were to end and have not, because the process that would have stopped them is gone. */
  async stopOverdue(): Promise<void> {
    await this.stopAll(await this.queue.findUnstopped(OVERDUE_MS), { action: 'interrupt' });
  }

  /** Lets the run that is executed on a thread end by itself, if it does so soon: before it is replaced. */
  async letEnd(thread_id: string): Promise<void> {
    await this.askToEnd(await this.queue.findRunningOn(thread_id));
  }

  /**
   * After the commit: readers of the log are told, the processes that execute the runs abort them, and whoever waits for
   * them gets to know.
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

  /** Which of these runs of the thread can end by themselves. A run that is rolled back need not: nothing of it stays. */
  private requestEnd(thread_id: string, run_ids: string[], { action, reason }: Stopping): Promise<string[]> {
    return action === 'interrupt' ? this.queue.requestCancel(thread_id, run_ids, reason) : Promise.resolve([]);
  }

  private async stopAsked(thread_id: string, run_ids: string[], asked: string[], stopping: Stopping): Promise<number> {
    await this.askToEnd(asked);
    const stopped = await this.sql.transaction(async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const runs = await this.queue.stop(client, thread_id, run_ids, stopping);
      if (runs.length > 0) {
        const interrupted = stopping.action === 'interrupt' && (asked.length > 0 || runs.some(wasRunning));
        await this.leaveThread(client, thread_id, interrupted);
      }
      return runs;
    });
    await this.announce(thread_id, stopped, stopping.action);
    if (stopping.action === 'interrupt' && stopped.some(wasRunning)) {
      // It has not got to its end, where it would have left its state on the thread's row.
      await this.threadState.refresh(thread_id);
    }
    if (stopped.some(wasRunning)) {
      this.notifications.publish({ topic: 'run_pending', id: '' });
    }
    return new Set([...asked, ...stopped.map(({ run_id }) => run_id)]).size;
  }

  /** Unless a run was `interrupted` at its work, those that were stopped leave nothing. */
  private async leaveThread(client: Queryable, thread_id: string, interrupted: boolean): Promise<void> {
    const retentionMs = this.config.queue.stateless_retention_ms;
    await this.queue.releaseThread(client, thread_id, { interrupted, retentionMs });
    if (!interrupted) {
      await this.queue.stampAsLastRun(client, thread_id);
    }
  }

  /**
   * A run that is asked ends by itself within milliseconds and leaves what it has done, also with durability `exit`.
   * One that does not answer is stopped without being asked.
   */
  private async askToEnd(run_ids: string[]): Promise<void> {
    if (run_ids.length === 0) {
      return;
    }
    const waits = run_ids.map((run_id) => this.results.wait(run_id));
    run_ids.forEach((id) => this.notifications.publish({ topic: 'run_cancelled', id }));
    const timeUp = new AbortController();
    const patience = sleep(PATIENCE_MS, undefined, { signal: timeUp.signal }).catch(() => undefined);
    await Promise.race([Promise.all(waits.map(({ ended }) => ended)), patience]);
    timeUp.abort();
    waits.forEach(({ cancel }) => cancel());
  }
}

const wasRunning = ({ was }: StoppedRun): boolean => was === 'running';

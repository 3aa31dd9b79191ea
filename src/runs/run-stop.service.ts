import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Notifications, Sql } from '../database/index.js';
import { EventStream, runDone } from '../streams/index.js';
import { ThreadStateService } from '../threads/index.js';
import type { StopAction } from './queue/multitask.js';
import type { StoppedRun } from './queue/queued-run.js';
import { RunQueue } from './queue/run-queue.js';
import { answerOf, ROLLED_BACK } from './worker/answer.js';
import { RunResults } from './worker/run-results.js';

/** Milliseconds that a run has to end by itself when it is cancelled. */
const PATIENCE_MS = 1_000;

/** Threads whose runs one request stops at a time. */
const SIDE_BY_SIDE = 32;

/**
 * Stops active runs, wherever they are. The database decides: once a run's lease is gone its graph can write nothing
 * more, so nobody waits for a node that ignores its signal, or for a process that is gone.
 */
@Injectable()
export class RunStopService {
  constructor(
    private readonly sql: Sql,
    private readonly queue: RunQueue,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly threadState: ThreadStateService,
    private readonly notifications: Notifications,
  ) {}

  /** Runs by thread. Those that do not answer are waited for side by side, not one after the other. */
  async stopAll(runs: Map<string, string[]>, action: StopAction): Promise<number> {
    let stopped = 0;
    const threads = runs.entries();
    const stopper = async (): Promise<void> => {
      for (const [thread_id, run_ids] of threads) {
        const active = await this.stop(thread_id, run_ids, action);
        stopped += active;
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, stopper));
    return stopped;
  }

  /** Gives the number of runs that were active; those that had ended stay as they are. */
  async stop(thread_id: string, run_ids: string[], action: StopAction): Promise<number> {
    const asked = action === 'interrupt' ? await this.queue.findRunning(run_ids) : [];
    await this.askToEnd(asked);
    const stopped = await this.sql.transaction(async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const runs = await this.queue.stop(client, thread_id, run_ids, action);
      if (runs.length > 0) {
        await this.queue.releaseThread(client, thread_id, action);
      }
      return runs;
    });
    await this.announce(thread_id, stopped, action);
    if (stopped.some(({ was }) => was === 'running')) {
      if (action === 'interrupt') {
        // The run did not get to its end, where it would have left its state on the thread's row.
        await this.threadState.refresh(thread_id);
      }
      this.notifications.publish({ topic: 'run_pending', id: '' });
    }
    return new Set([...asked, ...stopped.map(({ run_id }) => run_id)]).size;
  }

  /** Lets the run that is executed on a thread end by itself, if it does so soon: before it is replaced. */
  async letEnd(thread_id: string): Promise<void> {
    await this.askToEnd(await this.queue.findRunningOn(thread_id));
  }

  /**
   * A run that is asked ends by itself within milliseconds and leaves what it has done, also with durability `exit`.
   * One that does not answer is stopped without being asked.
   */
  private async askToEnd(run_ids: string[]): Promise<void> {
    const waits = run_ids.map((run_id) => this.results.wait(run_id));
    run_ids.forEach((id) => this.notifications.publish({ topic: 'run_cancelled', id }));
    const timeUp = new AbortController();
    const patience = sleep(PATIENCE_MS, undefined, { signal: timeUp.signal }).catch(() => undefined);
    await Promise.race([Promise.all(waits.map(({ ended }) => ended)), patience]);
    timeUp.abort();
    waits.forEach(({ cancel }) => cancel());
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
      if (was === 'running') {
        const topic = action === 'interrupt' ? 'run_interrupted' : 'run_rolled_back';
        this.notifications.publish({ topic, id: run_id });
      } else {
        this.results.publish(run_id, answerOf(undefined, undefined, error));
      }
    }
  }
}

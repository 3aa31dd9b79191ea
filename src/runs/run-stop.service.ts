import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { Notifications, POOL, transaction } from '../database/index.js';
import { EventStream } from '../streams/index.js';
import { ThreadStateService } from '../threads/index.js';
import type { StopAction } from './queue/multitask.js';
import { RunQueue, type StoppedRun } from './queue/run-queue.js';
import { answerOf, ROLLED_BACK } from './worker/answer.js';
import { RunResults } from './worker/run-results.js';

/** Milliseconds that a run has to end by itself when it is cancelled. */
const PATIENCE_MS = 1_000;

/**
 * Stops active runs, wherever they are. The database decides: once a run's lease is gone its graph can write nothing
 * more, so nobody waits for a node that ignores its signal, or for a process that is gone.
 */
@Injectable()
export class RunStopService {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    private readonly queue: RunQueue,
    private readonly results: RunResults,
    private readonly events: EventStream,
    private readonly threadState: ThreadStateService,
    private readonly notifications: Notifications,
  ) {}

  /** Gives the number of runs that were active; those that had ended stay as they are. */
  async stop(thread_id: string, run_ids: string[], action: StopAction): Promise<number> {
    const asked = action === 'interrupt' ? await this.queue.findRunning(run_ids) : [];
    await this.askToEnd(asked);
    const stopped = await transaction(this.pool, async (client) => {
      await client.query('SELECT FROM threads WHERE thread_id = $1 FOR UPDATE', [thread_id]);
      const runs = await this.queue.stop(client, thread_id, run_ids, action);
      if (runs.length > 0) {
        await this.queue.releaseThread(client, thread_id, action);
      }
      return runs;
    });
    this.announce(stopped, action);
    if (stopped.some(({ was }) => was === 'running')) {
      if (action === 'interrupt') {
        // The run did not get to its end, where it would have left its state on the thread's row.
        await this.threadState.refresh(thread_id);
      }
      this.notifications.publish({ topic: 'run_pending', id: '' });
    }
    return new Set([...asked, ...stopped.map(({ run_id }) => run_id)]).size;
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

  /** After the commit: the processes that execute the runs abort them, and whoever waits for them is told. */
  announce(stopped: StoppedRun[], action: StopAction): void {
    if (stopped.length > 0 && action === 'interrupt') {
      this.notifications.publish({ topic: 'webhook_queued', id: '' });
    }
    for (const { run_id, was } of stopped) {
      if (was === 'running') {
        this.notifications.publish({
          topic: action === 'interrupt' ? 'run_interrupted' : 'run_rolled_back',
          id: run_id,
        });
      } else {
        const error = action === 'rollback' ? ROLLED_BACK : undefined;
        this.events.abandon(run_id, error && JSON.stringify(error));
        this.results.publish(run_id, answerOf(undefined, undefined, error));
      }
    }
  }
}

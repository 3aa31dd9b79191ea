import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Notifications } from '../../database/index.js';
import { EventStream } from '../../streams/index.js';
import { RunQueue } from '../queue/run-queue.js';

/** Milliseconds between two looks at runs that are awaited, in case a notification was lost: the second one counts. */
const SAFETY_POLL_MS = 5_000;

/** How a run's end reached a waiter. */
export interface RunResult {
  /** JSON of the answer; undefined when the run ended in another process and the database has it. */
  answer?: string;
}

/** Somebody who waits for a run. */
export interface Waiting {
  ended: Promise<RunResult>;
  /** Waits no longer. */
  cancel: () => void;
}

type Waiter = (result: RunResult) => void;

/** Tells those who wait for a run that it has ended: at once in this process, by notification from others. */
@Injectable()
export class RunResults implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly waiters = new Map<string, Set<Waiter>>();
  /** Runs that had ended at the last look, and nobody has told. */
  private untold = new Set<string>();
  private poll?: NodeJS.Timeout;

  constructor(
    private readonly notifications: Notifications,
    private readonly queue: RunQueue,
    private readonly events: EventStream,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('run_ended', (run_id) => this.settle(run_id, {}));
    this.notifications.onReconnect(() => void this.check());
    this.poll = setInterval(() => void this.lookForUntold(), SAFETY_POLL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.poll);
  }

  /** Register before reading the run's status: then its end cannot be missed. */
  wait(run_id: string): Waiting {
    const waiters = this.waiters.get(run_id) ?? new Set();
    this.waiters.set(run_id, waiters);
    let cancel = (): void => undefined;
    const ended = new Promise<RunResult>((resolve) => {
      waiters.add(resolve);
      cancel = () => {
        waiters.delete(resolve);
        if (waiters.size === 0) {
          this.waiters.delete(run_id);
        }
      };
    });
    return { ended, cancel };
  }

  hasWaiters(run_id: string): boolean {
    return this.waiters.has(run_id);
  }

  /** The run has ended: its final status is in the database. Waiters in this process get the answer itself. */
  publish(run_id: string, answer: string): void {
    this.settle(run_id, { answer });
    this.notifications.publish({ topic: 'run_ended', id: run_id });
  }

  /** Looks whether runs that are awaited have ended or are gone without a word. */
  async check(): Promise<void> {
    (await this.findEnded()).forEach((run_id) => this.settle(run_id, {}));
  }

  /** At the second look: between the end of a run and its being told is a moment. */
  private async lookForUntold(): Promise<void> {
    const ended = await this.findEnded();
    ended.filter((run_id) => this.untold.has(run_id)).forEach((run_id) => this.settle(run_id, {}));
    this.untold = new Set(ended);
  }

  private async findEnded(): Promise<string[]> {
    if (this.waiters.size === 0) {
      return [];
    }
    try {
      return await this.queue.findEnded([...this.waiters.keys()]);
    } catch {
      // The database is away; the next look will tell.
      return [];
    }
  }

  private settle(run_id: string, result: RunResult): void {
    this.events.end(run_id);
    const waiters = this.waiters.get(run_id);
    this.waiters.delete(run_id);
    for (const waiter of waiters ?? []) {
      waiter(result);
    }
  }
}

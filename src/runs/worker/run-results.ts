import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Notifications } from '../../database/index.js';
import { EventStream } from '../../streams/index.js';
import { RunQueue } from '../queue/run-queue.js';
import { ROLLED_BACK_RESULT } from './run-result.js';

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

/** A run that somebody waits for. */
interface Awaited {
  waiters: Set<Waiter>;
  /** What is known of its end before it is told: the database knows nothing of a run that was rolled back. */
  answer?: string;
}

/** Tells those who wait for a run that it has ended: at once in this process, by notification from others. */
@Injectable()
export class RunResults implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly awaited = new Map<string, Awaited>();
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
    this.notifications.on('run_rolled_back', (run_id) => this.noteRollback(run_id));
    this.notifications.onReconnect(() => void this.check());
    this.poll = setInterval(() => void this.lookForUntold(), SAFETY_POLL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.poll);
  }

  /** Register before reading the run's status: then its end cannot be missed. */
  wait(run_id: string): Waiting {
    const awaited = this.awaited.get(run_id) ?? { waiters: new Set() };
    const { waiters } = awaited;
    this.awaited.set(run_id, awaited);
    let cancel = (): void => undefined;
    const ended = new Promise<RunResult>((resolve) => {
      waiters.add(resolve);
      cancel = () => {
        waiters.delete(resolve);
        if (waiters.size === 0 && this.awaited.get(run_id) === awaited) {
          this.awaited.delete(run_id);
        }
      };
    });
    return { ended, cancel };
  }

  hasWaiters(run_id: string): boolean {
    return this.awaited.has(run_id);
  }

  /** The run has ended: its final status is in the database. Waiters in this process get the answer, if it is given. */
  publish(run_id: string, answer?: string): void {
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
    if (this.awaited.size === 0) {
      return [];
    }
    try {
      return await this.queue.findEnded([...this.awaited.keys()]);
    } catch {
      // The database is away; the next look will tell.
      return [];
    }
  }

  private noteRollback(run_id: string): void {
    const awaited = this.awaited.get(run_id);
    if (awaited) {
      awaited.answer = ROLLED_BACK_RESULT;
    }
  }

  private settle(run_id: string, { answer }: RunResult): void {
    this.events.end(run_id);
    const awaited = this.awaited.get(run_id);
    this.awaited.delete(run_id);
    for (const waiter of awaited?.waiters ?? []) {
      waiter({ answer: answer ?? awaited?.answer });
    }
  }
}

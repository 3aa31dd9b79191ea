import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PeriodicTask } from '../../common/index.js';
import { Notifications } from '../../database/index.js';
import { EventStream } from '../../streams/index.js';
import { RunEndings } from '../queue/run-endings.js';
import { ROLLED_BACK_RESULT } from './run-result.js';

/** Milliseconds between polls for awaited runs whose notification was lost. A run must be found ended in two polls. */
const SAFETY_POLL_INTERVAL_MS = 5_000;

/** The end of a run, as a waiter gets it. */
export interface RunCompletion {
  /** JSON of the result; undefined when the run ended in another process and the result is in the database. */
  result?: string;
}

/** A client or a service that waits for the end of a run. */
export interface RunWaiter {
  completion: Promise<RunCompletion>;
  /** Stops waiting. */
  cancel: () => void;
}

type Resolve = (completion: RunCompletion) => void;

/** A run with waiters. */
interface AwaitedRun {
  waiters: Set<Resolve>;
  /** The result of a run that was rolled back, noted before its end is reported: its row is deleted. */
  result?: string;
}

/** Notifies waiters of the end of a run: directly within this process, by notification from other processes. */
@Injectable()
export class RunResults implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly awaited = new Map<string, AwaitedRun>();
  /** Runs that the last poll found ended although no notification has reported it. */
  private unreported = new Set<string>();
  private readonly poll = new PeriodicTask({
    name: 'Runs',
    interval_ms: SAFETY_POLL_INTERVAL_MS,
    run: () => this.pollUnreported(),
    failure: 'Polling for ended runs failed',
  });

  constructor(
    private readonly notifications: Notifications,
    private readonly endings: RunEndings,
    private readonly events: EventStream,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('run_ended', (run_id) => this.settle(run_id, {}));
    this.notifications.on('run_rolled_back', (run_id) => this.noteRollback(run_id));
    this.notifications.onReconnect(() => void this.check());
    this.poll.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.poll.stop();
  }

  /** Registers a waiter. Call this before reading the run's status, so that the end of the run cannot be missed. */
  wait(run_id: string): RunWaiter {
    const awaited = this.awaited.get(run_id) ?? { waiters: new Set() };
    const { waiters } = awaited;
    this.awaited.set(run_id, awaited);
    let cancel = (): void => undefined;
    const completion = new Promise<RunCompletion>((resolve) => {
      waiters.add(resolve);
      cancel = () => {
        waiters.delete(resolve);
        if (waiters.size === 0 && this.awaited.get(run_id) === awaited) {
          this.awaited.delete(run_id);
        }
      };
    });
    return { completion, cancel };
  }

  hasWaiters(run_id: string): boolean {
    return this.awaited.has(run_id);
  }

  /**
   * Reports the end of a run whose final status is in the database. Waiters in this process get the result, if given.
   */
  publish(run_id: string, result?: string): void {
    this.settle(run_id, { result });
    this.notifications.publish({ topic: 'run_ended', id: run_id });
  }

  /** Polls the awaited runs once and notifies the waiters of those that have ended or been deleted. */
  async check(): Promise<void> {
    (await this.findEnded()).forEach((run_id) => this.settle(run_id, {}));
  }

  /** Settles runs that two polls in a row found ended: after one poll, the notification may still be on its way. */
  private async pollUnreported(): Promise<void> {
    const ended = await this.findEnded();
    ended.filter((run_id) => this.unreported.has(run_id)).forEach((run_id) => this.settle(run_id, {}));
    this.unreported = new Set(ended);
  }

  private async findEnded(): Promise<string[]> {
    if (this.awaited.size === 0) {
      return [];
    }
    try {
      return await this.endings.findEnded([...this.awaited.keys()]);
    } catch {
      // The database is unavailable; the next poll tries again.
      return [];
    }
  }

  private noteRollback(run_id: string): void {
    const awaited = this.awaited.get(run_id);
    if (awaited) {
      awaited.result = ROLLED_BACK_RESULT;
    }
  }

  private settle(run_id: string, { result }: RunCompletion): void {
    this.events.end(run_id);
    const awaited = this.awaited.get(run_id);
    this.awaited.delete(run_id);
    for (const resolve of awaited?.waiters ?? []) {
      resolve({ result: result ?? awaited?.result });
    }
  }
}

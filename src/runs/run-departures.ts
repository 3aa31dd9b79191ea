import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorText } from '../common/index.js';
import { Notifications } from '../database/index.js';
import { RunStopService } from './run-stop.service.js';
import { RunResults } from './worker/run-results.js';

/** Milliseconds that a client whose connection broke has to come back before its run is cancelled. */
const RECONNECT_GRACE_MS = 3_000;
/** Milliseconds that other processes then have to say that the client, or another one, is there. */
const ANSWER_MS = 1_000;

/**
 * Cancels runs that nobody streams or waits for any more, if that was wished for. The last to leave may come back, to any
 * process: so the others are asked first.
 */
@Injectable()
export class RunDepartures implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Runs');
  /** Runs that will be cancelled, and what is done next. */
  private readonly left = new Map<string, NodeJS.Timeout>();
  private closing = false;

  constructor(
    private readonly results: RunResults,
    private readonly stopper: RunStopService,
    private readonly notifications: Notifications,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('run_left', (run_id) => this.answer(run_id));
    this.notifications.on('run_awaited', (run_id) => this.forget(run_id));
  }

  beforeApplicationShutdown(): void {
    this.closing = true;
    [...this.left.keys()].forEach((run_id) => this.forget(run_id));
  }

  /** A client has left. Those that this process itself sends away when it stops come back to another one. */
  leave(run: { run_id: string; thread_id: string }): void {
    if (!this.closing) {
      this.next(run.run_id, RECONNECT_GRACE_MS, () => this.askOthers(run));
    }
  }

  private askOthers(run: { run_id: string; thread_id: string }): void {
    const { run_id } = run;
    if (this.isAwaitedHere(run_id)) {
      this.forget(run_id);
      return;
    }
    this.notifications.tellOthers({ topic: 'run_left', id: run_id });
    this.next(run_id, ANSWER_MS, () => this.cancel(run));
  }

  private cancel({ run_id, thread_id }: { run_id: string; thread_id: string }): void {
    this.forget(run_id);
    if (!this.isAwaitedHere(run_id)) {
      this.stopper
        .stop(thread_id, [run_id], { action: 'interrupt' })
        .catch((error: unknown) => this.logger.warn(`run_id=${run_id} goes on without a reader: ${errorText(error)}`));
    }
  }

  /** Streams are waited for, too: for their end. */
  private isAwaitedHere(run_id: string): boolean {
    return this.results.hasWaiters(run_id);
  }

  private answer(run_id: string): void {
    if (this.isAwaitedHere(run_id)) {
      this.notifications.tellOthers({ topic: 'run_awaited', id: run_id });
    }
  }

  private next(run_id: string, ms: number, then: () => void): void {
    clearTimeout(this.left.get(run_id));
    this.left.set(run_id, setTimeout(then, ms).unref());
  }

  private forget(run_id: string): void {
    clearTimeout(this.left.get(run_id));
    this.left.delete(run_id);
  }
}

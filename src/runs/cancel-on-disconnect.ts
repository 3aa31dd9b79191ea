import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorText } from '../common/index.js';
import { Notifications } from '../database/index.js';
import { RunStopService } from './run-stop.service.js';
import { RunResults } from './worker/run-results.js';

/** Milliseconds that a client has to come back: to a resumable stream, and to any other stream or wait. */
const RESUMABLE_GRACE_MS = 3_000;
const GRACE_MS = 500;
/** Milliseconds that other processes have to report their readers before a new run may end the grace period. */
const REPORT_MS = 100;

/** A run that a client has left. */
interface LeftRun {
  run_id: string;
  thread_id: string;
  kwargs: { resumable: boolean };
}

/** The time in which a client may come back. */
interface Grace {
  thread_id: string;
  since: number;
  /** Cancels the run, if its client has left this process; otherwise only forgets it. */
  timer: NodeJS.Timeout;
}

/**
 * Cancels runs that no client streams or waits for any more, where the run or the client has requested that. Clients may
 * come back within a grace period, to any process: the others are notified when it begins, and report their readers, also
 * those that arrive later. A new run on the thread ends it at once.
 */
@Injectable()
export class CancelOnDisconnect implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Runs');
  private readonly graces = new Map<string, Grace>();
  private closing = false;

  constructor(
    private readonly results: RunResults,
    private readonly stopper: RunStopService,
    private readonly notifications: Notifications,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('run_left', (id) => this.onLeftElsewhere(id));
    this.notifications.on('run_awaited', (run_id) => this.forget(run_id));
  }

  beforeApplicationShutdown(): void {
    this.closing = true;
    [...this.graces.keys()].forEach((run_id) => this.forget(run_id));
  }

  /** A client has left. Those that this process itself sends away when it stops come back to another one. */
  leave({ run_id, thread_id, kwargs }: LeftRun): void {
    if (!this.closing) {
      this.notifications.publishToOthers({ topic: 'run_left', id: `${run_id}/${thread_id}` });
      const ms = kwargs.resumable ? RESUMABLE_GRACE_MS : GRACE_MS;
      this.begin(run_id, thread_id, ms, () => void this.cancel(run_id));
    }
  }

  /** A client has come to this process, maybe back from another one. */
  arrive(run_id: string): void {
    if (this.graces.has(run_id)) {
      this.notifications.publishToOthers({ topic: 'run_awaited', id: run_id });
    }
  }

  /** A new run is created on the thread: it must not wait for clients that have left. Resolves when their runs have ended. */
  async endOn(thread_id: string): Promise<void> {
    const left = [...this.graces].filter(([, grace]) => grace.thread_id === thread_id);
    await Promise.all(
      left.map(async ([run_id, { since }]) => {
        await sleep(Math.max(0, since + REPORT_MS - performance.now()));
        await this.cancel(run_id);
      }),
    );
  }

  private async cancel(run_id: string): Promise<void> {
    const grace = this.graces.get(run_id);
    this.forget(run_id);
    if (grace && !this.isAwaitedHere(run_id)) {
      await this.stopper
        .stop(grace.thread_id, [run_id], { action: 'interrupt' })
        .catch((error: unknown) =>
          this.logger.warn(`run_id=${run_id} continues without a reader: ${errorText(error)}`),
        );
    }
  }

  /** Streams count too: they wait for the end of their run. */
  private isAwaitedHere(run_id: string): boolean {
    return this.results.hasWaiters(run_id);
  }

  private onLeftElsewhere(id: string): void {
    const [run_id, thread_id] = id.split('/');
    if (this.isAwaitedHere(run_id)) {
      this.notifications.publishToOthers({ topic: 'run_awaited', id: run_id });
    } else if (!this.closing && !this.graces.has(run_id)) {
      this.begin(run_id, thread_id, RESUMABLE_GRACE_MS, () => this.forget(run_id));
    }
  }

  private begin(run_id: string, thread_id: string, ms: number, end: () => void): void {
    this.forget(run_id);
    this.graces.set(run_id, { thread_id, since: performance.now(), timer: setTimeout(end, ms).unref() });
  }

  private forget(run_id: string): void {
    clearTimeout(this.graces.get(run_id)?.timer);
    this.graces.delete(run_id);
  }
}

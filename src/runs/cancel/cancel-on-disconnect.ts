import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorText } from '../../common/index.js';
import { Notifications } from '../../database/index.js';
import { RunStopService } from './run-stop.service.js';
import { RunResults } from '../results/run-results.js';

/** Milliseconds in which a client may reconnect: to a resumable stream, and to any other stream or wait. */
const RESUMABLE_GRACE_MS = 3_000;
const GRACE_MS = 500;
/** Milliseconds that other processes get to report their readers before a new run may end the grace period. */
const REPORT_TIMEOUT_MS = 100;

/** A run whose client has disconnected. */
interface DisconnectedRun {
  run_id: string;
  thread_id: string;
  kwargs: { resumable: boolean };
}

/** The period in which a client may reconnect. */
interface Grace {
  thread_id: string;
  since: number;
  /** Cancels the run if its client has disconnected from this process; otherwise only ends the period. */
  timer: NodeJS.Timeout;
}

/**
 * The disconnect monitor: cancels a run once its last client has disconnected, if the run or the client has requested
 * that. Clients may reconnect within a grace period, to any process. When it starts, this process notifies the others,
 * and they report their readers, also those that connect later. A new run on the thread ends the grace period at once.
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
    this.notifications.on('run_left', (id) => this.onDisconnectElsewhere(id));
    this.notifications.on('run_awaited', (run_id) => this.forget(run_id));
  }

  beforeApplicationShutdown(): void {
    this.closing = true;
    [...this.graces.keys()].forEach((run_id) => this.forget(run_id));
  }

  /**
   * Starts the grace period of a run. Not at shutdown, when this process closes the connections and clients reconnect
   * elsewhere.
   */
  onDisconnect({ run_id, thread_id, kwargs }: DisconnectedRun): void {
    if (!this.closing) {
      this.notifications.publishToOthers({ topic: 'run_left', id: `${run_id}/${thread_id}` });
      const ms = kwargs.resumable ? RESUMABLE_GRACE_MS : GRACE_MS;
      this.startGracePeriod(run_id, thread_id, ms, () => void this.cancel(run_id));
    }
  }

  /** Reports a client that has connected to this process, perhaps after a disconnect from another one. */
  onReconnect(run_id: string): void {
    if (this.graces.has(run_id)) {
      this.notifications.publishToOthers({ topic: 'run_awaited', id: run_id });
    }
  }

  /**
   * Cancels runs on the thread whose clients have disconnected, before a new run is created there. Resolves when they
   * have ended.
   */
  async cancelAbandonedOn(thread_id: string): Promise<void> {
    const left = [...this.graces].filter(([, grace]) => grace.thread_id === thread_id);
    await Promise.all(
      left.map(async ([run_id, { since }]) => {
        await sleep(Math.max(0, since + REPORT_TIMEOUT_MS - performance.now()));
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
          this.logger.warn(`run_id=${run_id} could not be cancelled on disconnect and continues: ${errorText(error)}`),
        );
    }
  }

  /** Streams count as well: they wait for the end of their run. */
  private isAwaitedHere(run_id: string): boolean {
    return this.results.hasWaiters(run_id);
  }

  private onDisconnectElsewhere(id: string): void {
    const [run_id, thread_id] = id.split('/');
    if (this.isAwaitedHere(run_id)) {
      this.notifications.publishToOthers({ topic: 'run_awaited', id: run_id });
    } else if (!this.closing && !this.graces.has(run_id)) {
      this.startGracePeriod(run_id, thread_id, RESUMABLE_GRACE_MS, () => this.forget(run_id));
    }
  }

  private startGracePeriod(run_id: string, thread_id: string, ms: number, end: () => void): void {
    this.forget(run_id);
    this.graces.set(run_id, { thread_id, since: performance.now(), timer: setTimeout(end, ms).unref() });
  }

  private forget(run_id: string): void {
    clearTimeout(this.graces.get(run_id)?.timer);
    this.graces.delete(run_id);
  }
}

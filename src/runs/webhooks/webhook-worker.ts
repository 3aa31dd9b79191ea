import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { PeriodicTask } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import { type Delivery, WebhookOutbox } from '../queue/webhook-outbox.js';
import { MAX_ATTEMPTS, retryDelayMs } from './back-off.js';
import { OwnAddress } from './own-address.js';
import { loggable } from '../dto/webhook-address.js';
import type { Attempt } from './webhook-request.js';
import { WebhookDelivery } from './webhook-delivery.js';

/** Concurrent deliveries of this process, in total and per target. */
const SLOTS = 20;
const SLOTS_PER_TARGET = 4;

/**
 * Longer than an attempt, whose timeouts add up to 51 s: two processes never send the same delivery at the same time.
 */
const LEASE_MS = 75_000;
/** An attempt that starts later than this after its claim could outlast the lease. */
const MAX_START_DELAY_MS = 15_000;

/** Milliseconds between polls of the outbox without a notification. */
const POLL_INTERVAL_MS = 5_000;
const SWEEP_INTERVAL_MS = 60_000;
/** Failed deliveries are kept for a week. */
const RETENTION_MS = 7 * 24 * 3_600_000;
/** Failed deliveries that one statement of the sweep removes. */
const SWEEP_BATCH = 500;

/** Milliseconds that requests in flight get at shutdown. */
const SHUTDOWN_GRACE_MS = 2_000;
/** Timers may fire slightly early by the database's clock. */
const CLOCK_MARGIN_MS = 20;

/** A delivery that this process is making. */
interface InFlight {
  target: string;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Delivers webhooks from the outbox, in every process. Deliveries take no run slots, and a receiver cannot affect runs.
 * Delivery is at least once; receivers recognise duplicates by the `webhook-id`.
 */
@Injectable()
export class WebhookWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Webhooks');
  private readonly inFlight = new Map<string, InFlight>();
  private readonly tasks = [
    new PeriodicTask({
      name: 'Webhooks',
      interval_ms: POLL_INTERVAL_MS,
      run: () => this.wake(),
      failure: 'Polling for webhooks failed',
    }),
    new PeriodicTask({
      name: 'Webhooks',
      interval_ms: SWEEP_INTERVAL_MS,
      run: () => this.sweep(),
      failure: 'Webhook sweep failed',
    }),
  ];
  /** Deliveries may be due since the last claim. */
  private backlog = false;
  private claiming = false;
  private lastClaim = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly delivery: WebhookDelivery,
    private readonly own: OwnAddress,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('webhook_queued', () => this.wake());
    this.notifications.onReconnect(() => this.wake());
    this.own.onListen(() => this.wake());
    this.reportLoopback();
    this.tasks.forEach((task) => task.start());
    this.wake();
  }

  private reportLoopback(): void {
    const { allow_loopback, allow_private } = this.config.webhooks;
    if (allow_loopback && !allow_private) {
      this.logger.log(
        'Webhooks may call addresses of this machine, because this is `nestgraph dev`. ' +
          '`nestgraph start` rejects them unless NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=true is set.',
      );
    }
  }

  /**
   * Stops after the run worker, because runs may end until then. Aborted deliveries are sent again, by another process
   * or later.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.tasks.map((task) => task.stop()));
    await this.lastClaim;
    if (this.config.command !== 'dev') {
      await this.waitForDeliveries(SHUTDOWN_GRACE_MS);
    }
    this.inFlight.forEach(({ abort }) => abort.abort());
    await this.waitForDeliveries();
  }

  /**
   * A run, perhaps with a webhook, has ended in this process. Other processes are notified only if this one cannot call it.
   */
  announce(webhook: string | undefined): void {
    if (!webhook) {
      return;
    }
    if (webhook.startsWith('/') && !this.own.base) {
      this.notifications.publish({ topic: 'webhook_queued', id: '' });
    } else {
      this.wake();
    }
  }

  /** Marks abandoned deliveries as failed and removes expired ones. */
  async sweep(): Promise<void> {
    await this.outbox.failAbandoned(MAX_ATTEMPTS);
    let removed: number;
    do {
      removed = await this.outbox.removeFailed(SWEEP_BATCH, RETENTION_MS);
    } while (removed === SWEEP_BATCH);
  }

  private wake(): void {
    this.backlog = true;
    if (!this.claiming && !this.stopped) {
      this.lastClaim = this.claimAll();
    }
  }

  /** Claims until no slot is free or no delivery is due. A wake-up during a claim causes another claim. */
  private async claimAll(): Promise<void> {
    this.claiming = true;
    try {
      while (this.backlog && this.freeSlots > 0 && !this.stopped) {
        await this.claimOnce();
      }
    } catch (error) {
      this.logger.warn(`Claiming webhooks failed, the next poll tries again: ${String(error)}`);
    } finally {
      this.claiming = false;
    }
  }

  private async claimOnce(): Promise<void> {
    this.backlog = false;
    const wanted = this.freeSlots;
    const claimedAt = performance.now();
    const claimed = await this.outbox.claim({
      deliveries: wanted,
      per_target: SLOTS_PER_TARGET,
      in_flight: this.targets(),
      own_paths: this.own.base !== undefined,
      lease_ms: LEASE_MS,
      max_attempts: MAX_ATTEMPTS,
    });
    claimed.forEach((delivery) => this.start(delivery, claimedAt));
    this.backlog ||= claimed.length === wanted;
  }

  private get freeSlots(): number {
    return SLOTS - this.inFlight.size;
  }

  /** Number of deliveries in flight per target. */
  private targets(): Map<string, number> {
    const counts = new Map<string, number>();
    this.inFlight.forEach(({ target }) => counts.set(target, (counts.get(target) ?? 0) + 1));
    return counts;
  }

  private start(delivery: Delivery, claimedAt: number): void {
    const { run_id, target } = delivery;
    const abort = new AbortController();
    const done = this.deliver(delivery, claimedAt, abort.signal).then(() => {
      this.inFlight.delete(run_id);
      // Other deliveries to the same target may have waited for this one.
      this.wake();
    });
    this.inFlight.set(run_id, { target, abort, done });
  }

  /** Never throws: if the outcome cannot be stored, the delivery is due again once its lease has expired. */
  private async deliver(delivery: Delivery, claimedAt: number, signal: AbortSignal): Promise<void> {
    try {
      const attempt = await this.attempt(delivery, claimedAt, signal);
      await this.record(delivery, attempt);
    } catch (error) {
      this.logger.error(
        `run_id=${delivery.run_id} its webhook could not be processed and is retried when its lease expires: ${String(error)}`,
      );
    }
  }

  /** Undefined when no attempt was made: the process shuts down, or was too busy to start in time for the lease. */
  private async attempt(delivery: Delivery, claimedAt: number, signal: AbortSignal): Promise<Attempt | undefined> {
    // Yields once, so that the check below notices a blocked event loop.
    await nextTurn();
    if (performance.now() - claimedAt > MAX_START_DELAY_MS) {
      return undefined;
    }
    return this.delivery.attempt(delivery, signal);
  }

  private async record(delivery: Delivery, attempt: Attempt | undefined): Promise<void> {
    const { run_id, url, attempts } = delivery;
    const what = `run_id=${run_id} webhook to ${loggable(url)}`;
    if (!attempt) {
      return this.outbox.release(delivery);
    }
    if (attempt.result === 'delivered') {
      this.logger.debug(`${what} delivered`);
      return this.outbox.remove(delivery);
    }
    if (attempt.result === 'refused' || attempts >= MAX_ATTEMPTS) {
      this.logger.warn(`${what} failed permanently after ${attempts} of ${MAX_ATTEMPTS} attempts: ${attempt.reason}`);
      return this.outbox.fail(delivery, attempt.reason);
    }
    const delay = retryDelayMs(attempts, attempt.retry_after_ms);
    this.logger.debug(`${what} failed, next attempt in ${Math.round(delay)} ms: ${attempt.reason}`);
    await this.outbox.retry(delivery, delay, attempt.reason);
    this.wakeAfter(delay);
  }

  /** Wakes exactly when the retry is due; a poll would find it later. */
  private wakeAfter(delay: number): void {
    if (delay < POLL_INTERVAL_MS) {
      setTimeout(() => this.wake(), delay + CLOCK_MARGIN_MS).unref();
    }
  }

  /** Waits for all deliveries in flight, at most `ms` if given. */
  private async waitForDeliveries(ms?: number): Promise<void> {
    const all = Promise.all([...this.inFlight.values()].map(({ done }) => done));
    if (ms === undefined) {
      await all;
      return;
    }
    const timer = new AbortController();
    const timeout = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([all, timeout]);
    timer.abort();
  }
}

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import { type Delivery, WebhookOutbox } from '../queue/webhook-outbox.js';
import type { RunKwargs } from '../run.entity.js';
import { RunRecheck } from '../run-recheck.js';
import { MAX_ATTEMPTS, retryDelayMs } from './back-off.js';
import { FinalState } from './final-state.js';
import { OwnAddress } from './own-address.js';
import { loggable } from './webhook-address.js';
import type { Attempt } from './webhook-request.js';
import { WebhookSender } from './webhook-sender.js';

/** Deliveries of this process at the same time, and those of one target among them. */
const SLOTS = 20;
const SLOTS_PER_TARGET = 4;

/** Outlasts an attempt, whose time-outs add up to 51 s: two processes never send the same delivery at the same time. */
const LEASE_MS = 75_000;
/** An attempt that has not begun so many milliseconds after the claim would outlast the lease. */
const LATEST_BEGIN_MS = 15_000;

/** Milliseconds between two looks at the outbox when nobody says that there is something in it. */
const POLL_MS = 5_000;
const SWEEP_MS = 60_000;
/** How long failed deliveries are kept: a week. */
const RETENTION_MS = 7 * 24 * 3_600_000;
/** Failed deliveries that one statement of the sweep removes. */
const SWEEP_BATCH = 500;

/** Milliseconds that requests under way get when the process stops. */
const SHUTDOWN_GRACE_MS = 2_000;
/** Timers may fire a little early by the database's clock. */
const CLOCK_MARGIN_MS = 20;

/** The part of a payload that says what was run. */
interface RunPayload {
  assistant_id: string;
  kwargs: RunKwargs;
}

/** A delivery that this process is making. */
interface UnderWay {
  target: string;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Delivers webhooks from the outbox, in every process. Apart from the runs: it takes none of their slots, and what a
 * receiver does never reaches them. A delivery is made at least once; receivers tell repeats by the `webhook-id`.
 */
@Injectable()
export class WebhookWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Webhooks');
  private readonly underWay = new Map<string, UnderWay>();
  private timers: NodeJS.Timeout[] = [];
  /** Something may be due that nobody has looked at. */
  private backlog = false;
  private claiming = false;
  private lastClaim = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly sender: WebhookSender,
    private readonly finalState: FinalState,
    private readonly own: OwnAddress,
    private readonly recheck: RunRecheck,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('webhook_queued', () => this.wake());
    this.notifications.onReconnect(() => this.wake());
    this.own.onListen(() => this.wake());
    this.reportLoopback();
    this.timers = [setInterval(() => this.wake(), POLL_MS), setInterval(() => void this.sweep(), SWEEP_MS)];
    this.wake();
  }

  private reportLoopback(): void {
    const { allow_loopback, allow_private } = this.config.webhooks;
    if (allow_loopback && !allow_private) {
      this.logger.log(
        'Webhooks may call addresses of this machine, because this is `nestgraph dev`. ' +
          '`nestgraph start` refuses them without NESTGRAPH_WEBHOOK_ALLOW_PRIVATE=true.',
      );
    }
  }

  /** After the runs, which may have ended until now. What is still under way is sent again, by another process or later. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.timers.forEach((timer) => clearInterval(timer));
    await this.lastClaim;
    if (this.config.command !== 'dev') {
      await this.ended(SHUTDOWN_GRACE_MS);
    }
    this.underWay.forEach(({ abort }) => abort.abort());
    await this.ended();
  }

  /** A run with this webhook has ended in this process. Others need to know only when this one cannot call it. */
  announce(webhook: string): void {
    if (webhook.startsWith('/') && !this.own.base) {
      this.notifications.publish({ topic: 'webhook_queued', id: '' });
    } else {
      this.wake();
    }
  }

  /** Removes what nobody needs any more. */
  async sweep(): Promise<void> {
    try {
      await this.outbox.failAbandoned(MAX_ATTEMPTS);
      let removed: number;
      do {
        removed = await this.outbox.removeFailed(SWEEP_BATCH, RETENTION_MS);
      } while (removed === SWEEP_BATCH);
    } catch (error) {
      this.logger.warn(`Sweep of webhooks failed: ${String(error)}`);
    }
  }

  private wake(): void {
    this.backlog = true;
    if (!this.claiming && !this.stopped) {
      this.lastClaim = this.claimAll();
    }
  }

  /** Claims until slots or due deliveries run out. A wake-up that comes meanwhile makes another round. */
  private async claimAll(): Promise<void> {
    this.claiming = true;
    try {
      while (this.backlog && this.freeSlots > 0 && !this.stopped) {
        await this.claimOnce();
      }
    } catch (error) {
      this.logger.warn(`Claiming webhooks failed, trying again soon: ${String(error)}`);
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
      under_way: this.targets(),
      own_paths: this.own.base !== undefined,
      lease_ms: LEASE_MS,
      max_attempts: MAX_ATTEMPTS,
    });
    claimed.forEach((delivery) => this.start(delivery, claimedAt));
    this.backlog ||= claimed.length === wanted;
  }

  private get freeSlots(): number {
    return SLOTS - this.underWay.size;
  }

  /** How many deliveries of each target are under way. */
  private targets(): Map<string, number> {
    const counts = new Map<string, number>();
    this.underWay.forEach(({ target }) => counts.set(target, (counts.get(target) ?? 0) + 1));
    return counts;
  }

  private start(delivery: Delivery, claimedAt: number): void {
    const { run_id, target } = delivery;
    const abort = new AbortController();
    const done = this.deliver(delivery, claimedAt, abort.signal).then(() => {
      this.underWay.delete(run_id);
      // Others of the same target may have waited for this one.
      this.wake();
    });
    this.underWay.set(run_id, { target, abort, done });
  }

  /** Never throws: what cannot be written down is due again when its lease has passed. */
  private async deliver(delivery: Delivery, claimedAt: number, signal: AbortSignal): Promise<void> {
    try {
      const attempt = await this.attempt(delivery, claimedAt, signal);
      await this.record(delivery, attempt);
    } catch (error) {
      this.logger.error(`run_id=${delivery.run_id} its webhook is tried again later: ${String(error)}`);
    }
  }

  /** Undefined when there was none: the process stops, or was too busy to begin while the lease was good. */
  private async attempt(delivery: Delivery, claimedAt: number, signal: AbortSignal): Promise<Attempt | undefined> {
    // A turn of the event loop, so that one that was blocked shows it.
    await nextTurn();
    if (performance.now() - claimedAt > LATEST_BEGIN_MS) {
      return undefined;
    }
    const refusal = await this.refusalOf(delivery);
    if (refusal) {
      return refusal;
    }
    const complete = await this.finalState.complete(delivery);
    const attempt = await this.sender.send(complete, signal);
    return signal.aborted && attempt.result !== 'delivered' ? undefined : attempt;
  }

  /** What a run has left is sent only as long as its caller may create the run. */
  private async refusalOf({ run_id, thread_id, payload, caller }: Delivery): Promise<Attempt | undefined> {
    if (!caller) {
      return undefined;
    }
    const { assistant_id, kwargs } = JSON.parse(payload) as RunPayload;
    const refusal = await this.recheck.refusalOf({ run_id, thread_id, assistant_id, kwargs }, caller);
    return refusal && { result: refusal.is_decided ? 'refused' : 'failed', reason: refusal.message };
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
      this.logger.warn(`${what} failed for good after ${attempts} of ${MAX_ATTEMPTS} attempts: ${attempt.reason}`);
      return this.outbox.fail(delivery, attempt.reason);
    }
    const delay = retryDelayMs(attempts, attempt.retry_after_ms);
    this.logger.debug(`${what} failed, next attempt in ${Math.round(delay)} ms: ${attempt.reason}`);
    await this.outbox.retry(delivery, delay, attempt.reason);
    this.wakeAfter(delay);
  }

  /** The poll would find it, too, but a little late. */
  private wakeAfter(delay: number): void {
    if (delay < POLL_MS) {
      setTimeout(() => this.wake(), delay + CLOCK_MARGIN_MS).unref();
    }
  }

  /** Resolves when nothing is under way, or after so many milliseconds. */
  private async ended(ms?: number): Promise<void> {
    const all = Promise.all([...this.underWay.values()].map(({ done }) => done));
    if (ms === undefined) {
      await all;
      return;
    }
    const timeUp = new AbortController();
    const patience = sleep(ms, undefined, { signal: timeUp.signal }).catch(() => undefined);
    await Promise.race([all, patience]);
    timeUp.abort();
  }
}

import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuthService } from '../../auth/index.js';
import { PeriodicTask } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import { inRun } from '../../observability/index.js';
import { UNKNOWN_CALLER } from '../queue/caller-key.js';
import { FairClaims } from '../queue/fair-claims.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { RunClaims } from '../queue/run-claims.js';
import { RunEndings } from '../queue/run-endings.js';
import { RunStopService } from '../cancel/run-stop.service.js';
import { ActiveRun, type StopReason } from './active-run.js';
import { LeaseKeeper } from './lease-keeper.js';
import { runMetadataOf } from './run-config.js';
import { WebhookWorker } from '../webhooks/webhook-worker.js';
import { RunLifecycle } from './run-lifecycle.js';
import { SlotShares } from './slot-shares.js';

/** Milliseconds between polls of the queue without a notification. Polls also find expired leases. */
const POLL_INTERVAL_MS = 5_000;
/** Consecutive partial claims that get no run; after that, claims are repeated with a delay. */
const MAX_EMPTY_CLAIMS = 3;
const CLAIM_RETRY_DELAY_MS = 50;
/** Hidden threads that one statement of the sweep deletes. */
const EXPIRED_BATCH = 500;

/** A free slot reserved for a run that is about to be created, with the lease that the run will hold. */
export interface SlotReservation {
  caller_key: string;
  token: string;
  ms: number;
}

/**
 * Executes runs in a fixed number of slots: claims them, holds their leases, starts the run timeout, and stops them.
 * How a run is executed is in {@link RunLifecycle}. A run that waits for its thread takes no slot.
 */
@Injectable()
export class RunWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Worker');
  /**
   * By lease token: this process may claim a run again while an earlier attempt, which lost its lease, is still ending.
   */
  private readonly active = new Map<string, ActiveRun>();
  private readonly executions = new Set<Promise<void>>();
  private readonly polls = new PeriodicTask({
    name: 'Runs',
    interval_ms: POLL_INTERVAL_MS,
    run: () => this.runOnce(),
    failure: 'Polling the run queue failed',
  });
  private reserved = 0;
  /** Tokens of a claim whose COMMIT outcome is unknown. */
  private unconfirmedTokens: string[] = [];
  /** Due runs may be in the table: new runs must not start before them. */
  private backlog = true;
  /** Due runs exist whose callers have used up their share of the slots. */
  private heldBack = false;
  /** Consecutive partial claims that got no run. */
  private emptyClaims = 0;
  /** Absent when slots are given first come, first served. */
  private readonly shares?: SlotShares;
  private claiming = false;
  private stopped = false;

  constructor(
    private readonly claims: RunClaims,
    private readonly endings: RunEndings,
    private readonly fairClaims: FairClaims,
    private readonly lifecycle: RunLifecycle,
    private readonly stopper: RunStopService,
    private readonly leases: LeaseKeeper,
    private readonly notifications: Notifications,
    private readonly webhooks: WebhookWorker,
    auth: AuthService,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    const { slots, fairness } = config.queue;
    this.shares = auth.isOn && fairness.slot_share > 0 ? new SlotShares(slots, fairness) : undefined;
  }

  onApplicationBootstrap(): void {
    this.notifications.on('run_pending', () => this.wake());
    this.notifications.on('run_cancelled', (run_id) => this.stop(run_id, 'cancelled'));
    this.notifications.on('run_interrupted', (run_id) => this.stop(run_id, 'interrupted'));
    this.notifications.on('run_rolled_back', (run_id) => this.stop(run_id, 'rolled_back'));
    this.notifications.on('thread_deleted', (thread_id) =>
      this.stopWhere(({ run }) => run.thread_id === thread_id, 'lease_lost'),
    );
    this.notifications.onReconnect(() => this.wake());
    if (this.config.queue.slots > 0) {
      this.leases.start(({ lease_token }) => this.active.get(lease_token)?.stop('lease_lost'));
    }
    this.polls.start();
    this.wake();
  }

  /**
   * Drains the worker: within the grace period, runs stop at their next superstep, and runs without checkpoints may
   * end. The remaining runs are released: other processes, or this one after its restart, resume them from the last
   * checkpoint. `dev` does not wait, so that the developer's restart is fast.
   */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    void this.polls.stop();
    if (this.config.command !== 'dev') {
      [...this.active.values()].filter(({ run }) => !run.kwargs.temporary).forEach(({ drain }) => drain.request());
      await this.waitForExecutions(this.config.queue.shutdown_grace_ms);
    }
    for (const run of this.active.values()) {
      run.stop('shutdown');
    }
    await Promise.all(this.executions);
    // Other processes claim the released runs now instead of at their next poll.
    this.announcePending();
    // Last, because runs must keep their leases during the grace period.
    await this.leases.stop();
  }

  /**
   * Reserves a slot for a run that is about to be created. Undefined when all slots are taken, older runs wait for one,
   * or the caller has used up its share.
   */
  reserve(caller_key: string): SlotReservation | undefined {
    const { freeSlots } = this;
    if (this.stopped || this.backlog || freeSlots <= 0 || this.shares?.mayTake(caller_key, freeSlots) === false) {
      return undefined;
    }
    this.reserved += 1;
    this.shares?.take(caller_key);
    return { caller_key, token: randomUUID(), ms: this.config.queue.lease_ms };
  }

  /** Starts a run that was created with the lease token of its reservation. */
  startReserved(run: ClaimedRun): void {
    this.reserved -= 1;
    this.execute(run);
  }

  /** Releases a reservation whose run was not created. */
  release({ caller_key }: SlotReservation): void {
    this.reserved -= 1;
    this.shares?.release(caller_key);
    this.wake();
  }

  /** Notifies all processes, including this one, that a run may be due. */
  announcePending(): void {
    this.notifications.publish({ topic: 'run_pending', id: '' });
  }

  /**
   * One poll: deletes expired threads, cancels overdue runs, gives up runs that are out of retries, then claims due
   * runs.
   */
  async runOnce(): Promise<void> {
    try {
      await this.deleteExpired();
      await this.stopper.stopOverdue();
      for (const run of await this.claims.findOutOfRetries(this.maxAttempts)) {
        await this.lifecycle.giveUp(run);
        this.announceWebhook(run);
      }
    } catch (error) {
      this.logger.warn(`Poll of the run queue failed, the next poll tries again: ${String(error)}`);
    }
    this.wake();
  }

  /** Waits at most `ms` for all executions. */
  private async waitForExecutions(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([Promise.all(this.executions), timeUp]);
    clearTimeout(timer);
  }

  private async deleteExpired(): Promise<void> {
    let deleted: number;
    do {
      deleted = await this.endings.deleteExpired(EXPIRED_BATCH);
    } while (deleted === EXPIRED_BATCH);
  }

  private get freeSlots(): number {
    return this.config.queue.slots - this.active.size - this.reserved;
  }

  /** The first attempt and the retries after it. */
  private get maxAttempts(): number {
    return this.config.queue.max_retries + 1;
  }

  private wake(): void {
    this.backlog = true;
    if (!this.claiming && !this.stopped) {
      void this.claimAll();
    }
  }

  /** Claims until no slot is free or no run is due. A wake-up during a claim causes another claim. */
  private async claimAll(): Promise<void> {
    this.claiming = true;
    try {
      while (this.backlog && this.freeSlots > 0 && !this.stopped) {
        await this.claimOnce();
      }
    } catch (error) {
      this.backlog = true;
      this.logger.warn(`Claiming runs failed, the next poll tries again: ${String(error)}`);
    } finally {
      this.claiming = false;
    }
  }

  private async claimOnce(): Promise<void> {
    this.backlog = false;
    const wanted = this.freeSlots;
    // Reserved during the statement, so that no new run gets these slots.
    this.reserved += wanted;
    try {
      const claimed = await this.claim(wanted);
      claimed.forEach((run) => this.start(run));
      this.backlog ||= claimed.length === wanted;
    } finally {
      this.reserved -= wanted;
    }
  }

  /** First returns the runs of an earlier claim whose COMMIT outcome is unknown, if it took any. */
  private async claim(wanted: number): Promise<ClaimedRun[]> {
    if (this.unconfirmedTokens.length > 0) {
      const claimed = await this.claims.findClaimed(this.unconfirmedTokens);
      this.unconfirmedTokens = [];
      if (claimed.length > 0) {
        this.backlog = true;
        return claimed;
      }
    }
    this.unconfirmedTokens = Array.from({ length: wanted }, () => randomUUID());
    const claimed = await this.claimDue(this.unconfirmedTokens);
    this.unconfirmedTokens = [];
    return claimed;
  }

  private async claimDue(tokens: readonly string[]): Promise<ClaimedRun[]> {
    const { lease_ms } = this.config.queue;
    if (!this.shares) {
      return this.claims.claim(tokens, lease_ms, this.maxAttempts);
    }
    const claim = await this.fairClaims.claim(tokens, lease_ms, this.maxAttempts, this.shares.terms());
    const { runs, is_held_back, is_partial, window_end, now } = claim;
    this.shares.note(runs.map(callerKey), now, window_end);
    this.heldBack = is_held_back;
    this.emptyClaims = is_partial && runs.length === 0 ? this.emptyClaims + 1 : 0;
    if (this.emptyClaims >= MAX_EMPTY_CLAIMS) {
      setTimeout(() => this.wake(), CLAIM_RETRY_DELAY_MS).unref();
    } else {
      this.backlog ||= is_partial;
    }
    return runs;
  }

  private start(run: ClaimedRun): void {
    this.shares?.take(callerKey(run));
    this.execute(run);
  }

  private execute(run: ClaimedRun): void {
    const active = new ActiveRun(run, runMetadataOf(run));
    this.active.set(run.lease_token, active);
    this.leases.hold(run);
    const timeout = setTimeout(() => active.stop('timeout'), this.config.queue.timeout_ms);
    const { run_id, thread_id } = run;
    const graph_id = String(run.kwargs.config.configurable.graph_id);
    const executed = inRun({ graph_id, run_id, thread_id }, () => this.lifecycle.execute(active));
    const execution = executed.then((more) => {
      clearTimeout(timeout);
      this.active.delete(run.lease_token);
      this.shares?.release(callerKey(run));
      this.leases.drop(run);
      this.executions.delete(execution);
      this.announceWebhook(run);
      if (more) {
        this.announcePending();
      } else if (this.backlog || this.heldBack) {
        this.wake();
      }
    });
    this.executions.add(execution);
  }

  private announceWebhook({ kwargs: { webhook } }: ClaimedRun): void {
    if (webhook) {
      this.webhooks.announce(webhook);
    }
  }

  private stop(run_id: string, reason: StopReason): void {
    this.stopWhere((active) => active.run_id === run_id, reason);
  }

  private stopWhere(matches: (active: ActiveRun) => boolean, reason: StopReason): void {
    [...this.active.values()].filter(matches).forEach((active) => active.stop(reason));
  }
}

const callerKey = ({ caller_key = UNKNOWN_CALLER }: ClaimedRun): string => caller_key;

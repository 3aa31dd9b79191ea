import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuthService } from '../../auth/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import { inRun } from '../../observability/index.js';
import { UNKNOWN_CALLER } from '../queue/caller-key.js';
import { FairClaims } from '../queue/fair-claims.js';
import type { ClaimedRun } from '../queue/queued-run.js';
import { RunQueue } from '../queue/run-queue.js';
import { RunStopService } from '../run-stop.service.js';
import { ActiveRun, type StopReason } from './active-run.js';
import { LeaseKeeper } from './lease-keeper.js';
import { runMetadataOf } from './run-config.js';
import { WebhookWorker } from '../webhooks/webhook-worker.js';
import { RunLifecycle } from './run-lifecycle.js';
import { SlotShares } from './slot-shares.js';

/** Milliseconds between two looks at the queue when no notification comes; also finds expired leases. */
const POLL_MS = 5_000;
/** Claims in a row that may get nothing, though others would see more, before they are repeated with this pause. */
const MAX_FRUITLESS_CLAIMS = 3;
const CLAIM_RETRY_MS = 50;
/** Hidden threads that one statement of the sweep removes. */
const EXPIRED_BATCH = 500;

/** A free slot that a run about to be created will take. */
export interface Reservation {
  caller_key: string;
  token: string;
  ms: number;
}

/**
 * Executes runs in a fixed number of slots. Knows claiming, renewing and stopping; what a run means is in
 * {@link RunLifecycle}. A run that waits for its thread takes no slot.
 */
@Injectable()
export class RunWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Worker');
  /** By lease: a run that this process has lost may come back while its earlier attempt is still ending. */
  private readonly active = new Map<string, ActiveRun>();
  private readonly executions = new Set<Promise<void>>();
  private poll?: NodeJS.Timeout;
  private reserved = 0;
  /** Tokens of a claim that the database has not answered. */
  private unanswered: string[] = [];
  /** Runs may be waiting in the table: new ones begin behind them. */
  private backlog = true;
  /** Runs are waiting whose callers have their share of the slots. */
  private heldBack = false;
  /** Claims in a row that got nothing although there was something. */
  private fruitless = 0;
  /** Absent when slots are given first come, first served. */
  private readonly shares?: SlotShares;
  private claiming = false;
  private stopped = false;

  constructor(
    private readonly queue: RunQueue,
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
      this.stopIf(({ run }) => run.thread_id === thread_id, 'lease_lost'),
    );
    this.notifications.onReconnect(() => this.wake());
    if (this.config.queue.slots > 0) {
      this.leases.start(({ lease_token }) => this.active.get(lease_token)?.stop('lease_lost'));
    }
    this.poll = setInterval(() => void this.runOnce(), POLL_MS);
    this.wake();
  }

  /**
   * Lets runs reach their next superstep within the grace period, and those without checkpoints their end, and gives all
   * back: other processes, or this one after its restart, go on from the last checkpoint. `dev` does not wait, because
   * somebody is sitting in front of it.
   */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.poll);
    if (this.config.command !== 'dev') {
      [...this.active.values()].filter(({ run }) => !run.kwargs.temporary).forEach(({ drain }) => drain.request());
      await this.ended(this.config.queue.shutdown_grace_ms);
    }
    for (const run of this.active.values()) {
      run.stop('shutdown');
    }
    await Promise.all(this.executions);
    // Others need not wait for their next look at the queue.
    this.announcePending();
    // Until here: runs that are given time to end must not lose their lease meanwhile.
    await this.leases.stop();
  }

  /**
   * A slot for a run that is about to be created; undefined when all are taken, older runs wait for one, or the caller has its
   * share of them.
   */
  reserve(caller_key: string): Reservation | undefined {
    const { freeSlots } = this;
    if (this.stopped || this.backlog || freeSlots <= 0 || this.shares?.mayTake(caller_key, freeSlots) === false) {
      return undefined;
    }
    this.reserved += 1;
    this.shares?.take(caller_key);
    return { caller_key, token: randomUUID(), ms: this.config.queue.lease_ms };
  }

  /** The run was created with the reservation's token: begin. */
  startReserved(run: ClaimedRun): void {
    this.reserved -= 1;
    this.execute(run);
  }

  /** The run was not created after all. */
  release({ caller_key }: Reservation): void {
    this.reserved -= 1;
    this.shares?.giveBack(caller_key);
    this.wake();
  }

  /** A run may be due: look at the queue, here and in other processes. */
  announcePending(): void {
    this.notifications.publish({ topic: 'run_pending', id: '' });
  }

  /** One look at the queue: expired threads, runs that were to end, runs without hope, runs that are due. */
  async runOnce(): Promise<void> {
    try {
      await this.deleteExpired();
      await this.stopper.stopOverdue();
      for (const run of await this.queue.findGivenUp(this.maxAttempts)) {
        await this.lifecycle.giveUp(run);
        this.announceWebhook(run);
      }
    } catch (error) {
      this.logger.warn(`Sweep failed: ${String(error)}`);
    }
    this.wake();
  }

  /** Waits for all executions, at most so many milliseconds. */
  private async ended(ms: number): Promise<void> {
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
      deleted = await this.queue.deleteExpired(EXPIRED_BATCH);
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

  /** Claims until slots or due runs run out. A wake-up that comes meanwhile makes another round. */
  private async claimAll(): Promise<void> {
    this.claiming = true;
    try {
      while (this.backlog && this.freeSlots > 0 && !this.stopped) {
        await this.claimOnce();
      }
    } catch (error) {
      this.backlog = true;
      this.logger.warn(`Claiming runs failed, trying again soon: ${String(error)}`);
    } finally {
      this.claiming = false;
    }
  }

  private async claimOnce(): Promise<void> {
    this.backlog = false;
    const wanted = this.freeSlots;
    // Held while the statement is under way, so that nobody else is promised these slots.
    this.reserved += wanted;
    try {
      const claimed = await this.claim(wanted);
      claimed.forEach((run) => this.start(run));
      this.backlog ||= claimed.length === wanted;
    } finally {
      this.reserved -= wanted;
    }
  }

  /** When the database had gone before it answered, the runs that it may have given are found first. */
  private async claim(wanted: number): Promise<ClaimedRun[]> {
    if (this.unanswered.length > 0) {
      const claimed = await this.queue.findClaimed(this.unanswered);
      this.unanswered = [];
      if (claimed.length > 0) {
        this.backlog = true;
        return claimed;
      }
    }
    this.unanswered = Array.from({ length: wanted }, () => randomUUID());
    const claimed = await this.claimDue(this.unanswered);
    this.unanswered = [];
    return claimed;
  }

  private async claimDue(tokens: readonly string[]): Promise<ClaimedRun[]> {
    const { lease_ms } = this.config.queue;
    if (!this.shares) {
      return this.queue.claim(tokens, lease_ms, this.maxAttempts);
    }
    const claim = await this.fairClaims.claim(tokens, lease_ms, this.maxAttempts, this.shares.terms());
    const { runs, is_held_back, is_partial, window_end, now } = claim;
    this.shares.note(runs.map(callerKey), now, window_end);
    this.heldBack = is_held_back;
    this.fruitless = is_partial && runs.length === 0 ? this.fruitless + 1 : 0;
    if (this.fruitless >= MAX_FRUITLESS_CLAIMS) {
      setTimeout(() => this.wake(), CLAIM_RETRY_MS).unref();
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
      this.shares?.giveBack(callerKey(run));
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
    this.stopIf((active) => active.run_id === run_id, reason);
  }

  private stopIf(isMeant: (active: ActiveRun) => boolean, reason: StopReason): void {
    [...this.active.values()].filter(isMeant).forEach((active) => active.stop(reason));
  }
}

const callerKey = ({ caller_key = UNKNOWN_CALLER }: ClaimedRun): string => caller_key;

import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { UNKNOWN_CALLER } from '../queue/caller-key.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { FairClaims } from '../queue/fair-claims.js';
import { RunClaims } from '../queue/run-claims.js';
import { maxAttempts } from './max-attempts.js';
import { RunSlots } from './run-slots.js';
import type { SlotShares } from './slot-shares.js';

/** Consecutive partial claims that get no run; after that, claims are repeated with a delay. */
const MAX_EMPTY_CLAIMS = 3;
const CLAIM_RETRY_DELAY_MS = 50;

/** Claims due runs for the free slots of this process. */
@Injectable()
export class RunClaimer {
  private readonly logger = new Logger('Worker');
  /** Tokens of a claim whose COMMIT outcome is unknown. */
  private unconfirmedTokens: string[] = [];
  /** Due runs may be in the table: new runs must not start before them. */
  private backlog = true;
  /** Due runs exist whose callers have used up their share of the slots. */
  private heldBack = false;
  /** Consecutive partial claims that got no run. */
  private emptyClaims = 0;
  private claiming = false;
  private stopped = false;
  private onClaim: (run: ClaimedRun) => void = () => undefined;

  constructor(
    private readonly claims: RunClaims,
    private readonly fairClaims: FairClaims,
    private readonly slots: RunSlots,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Starts claiming. `onClaim` gets each claimed run, for which a slot has been taken. */
  start(onClaim: (run: ClaimedRun) => void): void {
    this.onClaim = onClaim;
    this.wake();
  }

  stop(): void {
    this.stopped = true;
  }

  /** True while a new run may start without a claim: no older run waits for a slot. */
  get isCaughtUp(): boolean {
    return !this.stopped && !this.backlog;
  }

  /** A run may have become due. */
  wake(): void {
    this.backlog = true;
    if (!this.claiming && !this.stopped) {
      void this.claimAll();
    }
  }

  /** A slot has become free. */
  onFreeSlot(): void {
    if (this.backlog || this.heldBack) {
      this.wake();
    }
  }

  /** Claims until no slot is free or no run is due. A wake-up during a claim causes another claim. */
  private async claimAll(): Promise<void> {
    this.claiming = true;
    try {
      while (this.backlog && this.slots.free > 0 && !this.stopped) {
        this.backlog = false;
        await this.slots.duringClaim((free) => this.claimOnce(free));
      }
    } catch (error) {
      this.backlog = true;
      this.logger.warn(`Claiming runs failed, the next poll tries again: ${String(error)}`);
    } finally {
      this.claiming = false;
    }
  }

  private async claimOnce(wanted: number): Promise<void> {
    const claimed = await this.claim(wanted);
    for (const run of claimed) {
      this.slots.take(callerKey(run));
      this.onClaim(run);
    }
    this.backlog ||= claimed.length === wanted;
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

  private claimDue(tokens: readonly string[]): Promise<ClaimedRun[]> {
    const { shares } = this.slots;
    return shares
      ? this.claimFairly(tokens, shares)
      : this.claims.claim(tokens, this.config.queue.lease_ms, maxAttempts(this.config));
  }

  private async claimFairly(tokens: readonly string[], shares: SlotShares): Promise<ClaimedRun[]> {
    const { lease_ms } = this.config.queue;
    const claim = await this.fairClaims.claim(tokens, lease_ms, maxAttempts(this.config), shares.terms());
    const { runs, is_held_back, is_partial, window_end, now } = claim;
    shares.note(runs.map(callerKey), now, window_end);
    this.heldBack = is_held_back;
    this.emptyClaims = is_partial && runs.length === 0 ? this.emptyClaims + 1 : 0;
    if (this.emptyClaims >= MAX_EMPTY_CLAIMS) {
      setTimeout(() => this.wake(), CLAIM_RETRY_DELAY_MS).unref();
    } else {
      this.backlog ||= is_partial;
    }
    return runs;
  }
}

/** The caller whose slots the run uses. */
export const callerKey = ({ caller_key = UNKNOWN_CALLER }: ClaimedRun): string => caller_key;

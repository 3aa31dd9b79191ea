import { Inject, Injectable } from '@nestjs/common';
import { AuthService } from '../../auth/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { SlotShares } from './slot-shares.js';

/** The slots of this process (`N_JOBS_PER_WORKER`): each executes one run, or is reserved for one. */
@Injectable()
export class RunSlots {
  /** Absent when slots are given first come, first served. */
  readonly shares?: SlotShares;
  private readonly slots: number;
  private taken = 0;

  constructor(auth: AuthService, @Inject(CONFIG) { queue: { slots, fairness } }: NestgraphConfig) {
    this.slots = slots;
    this.shares = auth.isOn && fairness.slot_share > 0 ? new SlotShares(slots, fairness) : undefined;
  }

  get free(): number {
    return this.slots - this.taken;
  }

  /** Takes a slot for a run of the caller. False when all slots are taken, or the caller has used up its share. */
  tryTake(caller_key: string): boolean {
    if (this.free <= 0 || this.shares?.mayTake(caller_key, this.free) === false) {
      return false;
    }
    this.take(caller_key);
    return true;
  }

  take(caller_key: string): void {
    this.taken += 1;
    this.shares?.take(caller_key);
  }

  release(caller_key: string): void {
    this.taken -= 1;
    this.shares?.release(caller_key);
  }

  /** Takes all free slots during a claim, so that no new run gets them. `work` gets their number. */
  async duringClaim(work: (free: number) => Promise<void>): Promise<void> {
    const { free } = this;
    this.taken += free;
    try {
      await work(free);
    } finally {
      this.taken -= free;
    }
  }
}

import type { FairnessConfig } from '../../config/index.js';
import { callerKeyOf, UNKNOWN_CALLER } from '../queue/caller-key.js';
import type { FairTerms, Standing } from '../queue/fair-claims.js';

/** Callers whose last turn a process remembers. The one served longest ago is evicted first. */
const MAX_REMEMBERED = 200;

/** Callers that a claim visits in addition to those with running runs. */
const SPARE_WINDOW = 32;

/** A caller's last turn. */
interface Turn {
  served_at: Date | null;
  /** Slots given since the turn began. */
  used: number;
}

/**
 * Shares the slots of a process among callers: in turn, and with a reserve for callers without a running run. Running
 * runs are not preempted, so without the reserve the runs of one caller could occupy all slots until they end.
 */
export class SlotShares {
  /** Slots that only callers without a running run get. */
  readonly reserve: number;
  private readonly running = new Map<string, number>();
  /** In the order of the last turn. */
  private readonly turns = new Map<string, Turn>();
  private readonly weights: ReadonlyMap<string, number>;
  private after = UNKNOWN_CALLER;

  constructor(
    private readonly slots: number,
    { slot_share, weights }: FairnessConfig,
  ) {
    this.reserve = Math.max(0, slots - Math.max(1, Math.floor(slots * slot_share)));
    this.weights = new Map(Object.entries(weights).map(([identity, weight]) => [callerKeyOf(identity), weight]));
  }

  /** Whether a caller may take one of the `free` slots. */
  mayTake(caller_key: string, free: number): boolean {
    return free > this.reserve || !this.running.has(caller_key);
  }

  /** Counts a slot for the caller. */
  take(caller_key: string): void {
    this.running.set(caller_key, (this.running.get(caller_key) ?? 0) + 1);
  }

  /** Returns a slot of the caller. */
  release(caller_key: string): void {
    const left = (this.running.get(caller_key) ?? 0) - 1;
    if (left > 0) {
      this.running.set(caller_key, left);
    } else {
      this.running.delete(caller_key);
    }
  }

  terms(): FairTerms {
    return {
      standings: this.standings(),
      reserve: this.reserve,
      window: this.slots + SPARE_WINDOW,
      after: this.after,
    };
  }

  /** Records a claim at database time `now` that gave slots to these callers, in this order. */
  note(caller_keys: readonly string[], now: Date, window_end: string | null): void {
    caller_keys.forEach((caller_key) => this.noteTurn(caller_key, now));
    // The next window starts after the caller served last, or else after the end of this window.
    this.after = (caller_keys.length === 0 ? window_end : caller_keys.at(-1)) ?? this.after;
  }

  private noteTurn(caller_key: string, now: Date): void {
    const { served_at = null, used = 0 } = this.turns.get(caller_key) ?? {};
    const isOver = used + 1 >= this.weightOf(caller_key);
    this.turns.delete(caller_key);
    this.turns.set(caller_key, isOver ? { served_at: now, used: 0 } : { served_at, used: used + 1 });
    if (this.turns.size > MAX_REMEMBERED) {
      const [oldest] = this.turns.keys();
      this.turns.delete(oldest);
    }
  }

  private standings(): Standing[] {
    const keys = new Set([...this.running.keys(), ...this.turns.keys(), ...this.weights.keys()]);
    return [...keys].map((caller_key) => ({
      caller_key,
      running: this.running.get(caller_key) ?? 0,
      served_at: this.turns.get(caller_key)?.served_at ?? null,
      weight: this.weightOf(caller_key),
    }));
  }

  private weightOf(caller_key: string): number {
    return this.weights.get(caller_key) ?? 1;
  }
}

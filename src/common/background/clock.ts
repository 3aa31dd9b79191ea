/** A pending timer of a {@link Clock}. */
export type Timer = object;

/** Timers of background work. Tests pass a clock that they move themselves. */
export interface Clock {
  setTimeout(callback: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
}

/** The clock of the process. */
export const SYSTEM_CLOCK: Clock = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

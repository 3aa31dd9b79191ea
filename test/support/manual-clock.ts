import type { Clock, Timer } from '../../src/common/background/index.js';

/** A clock that only moves when a test says so. */
export class ManualClock implements Clock {
  private now = 0;
  private readonly timers = new Map<Timer, { at: number; callback: () => void }>();

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = {};
    this.timers.set(timer, { at: this.now + ms, callback });
    return timer;
  }

  clearTimeout(timer: Timer | undefined): void {
    if (timer) {
      this.timers.delete(timer);
    }
  }

  /** Moves the time, and fires what becomes due in order. Promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await new Promise(setImmediate);
    for (let next = this.nextBefore(end); next; next = this.nextBefore(end)) {
      const [timer, { at, callback }] = next;
      this.now = at;
      this.timers.delete(timer);
      callback();
      await new Promise(setImmediate);
    }
    this.now = end;
  }

  private nextBefore(end: number): [Timer, { at: number; callback: () => void }] | undefined {
    return [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

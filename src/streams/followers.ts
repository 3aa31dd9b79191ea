import type { Notifications } from '../database/index.js';

/** Milliseconds between two announcements, and until one that is not repeated is forgotten. */
const REPEAT_MS = 2_000;
const FORGET_MS = 3 * REPEAT_MS;
/** Milliseconds for which a thread's reader that has left can come back and finds what has happened since. */
const LINGER_MS = 60_000;

/**
 * Which runs and threads are read in other processes. Processes tell each other again and again, so nothing has to be
 * tidied up after one that dies, and an announcement that is lost only delays.
 */
export class Followers {
  /** Until when, by the id of a run or a thread. */
  private readonly expiries = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  /** `announceAll` announces everything that is read here. */
  constructor(
    private readonly notifications: Notifications,
    private readonly announceAll: () => void,
  ) {
    for (const topic of ['thread_followed', 'run_followed', 'run_wanted'] as const) {
      notifications.on(topic, (id) => this.remember(id, FORGET_MS));
    }
    notifications.on('thread_left', (thread_id) => this.remember(thread_id, LINGER_MS));
    notifications.on('followers_wanted', announceAll);
    notifications.onReconnect(() => this.askAll());
    this.timer = setInterval(() => {
      this.forgetSilent();
      announceAll();
    }, REPEAT_MS);
    this.askAll();
  }

  /** True when another process reads the run or the thread, or may soon again. */
  has(id: string): boolean {
    return this.expiries.has(id);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** After the start, or a lost connection: what the others have said before was missed, and what we said may have been. */
  private askAll(): void {
    this.notifications.publishToOthers({ topic: 'followers_wanted', id: '' });
    this.announceAll();
  }

  private remember(id: string, ms: number): void {
    this.expiries.set(id, Math.max(this.expiries.get(id) ?? 0, performance.now() + ms));
  }

  private forgetSilent(): void {
    const now = performance.now();
    for (const [id, expiry] of this.expiries) {
      if (expiry < now) {
        this.expiries.delete(id);
      }
    }
  }
}

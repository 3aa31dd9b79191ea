import { PeriodicTask } from '../common/index.js';
import type { Notifications } from '../database/index.js';

const ANNOUNCE_INTERVAL_MS = 2_000;
/** An announcement that is not repeated within this time expires. */
const ANNOUNCEMENT_TIMEOUT_MS = 3 * ANNOUNCE_INTERVAL_MS;
/** How long the client of a thread stream can reconnect after a disconnect and find all events since. */
const RECONNECT_TIMEOUT_MS = 60_000;

/**
 * Knows which runs and threads other processes read. Every process repeats its announcements. So a process that dies
 * needs no cleanup, and a lost announcement only causes a delay.
 */
export class Followers {
  /** When each announcement expires, by the id of its run or thread. */
  private readonly expiries = new Map<string, number>();
  private readonly announcements: PeriodicTask;

  /** `announceAll` announces all readers of this process. */
  constructor(
    private readonly notifications: Notifications,
    private readonly announceAll: () => void,
  ) {
    for (const topic of ['thread_followed', 'run_followed', 'run_wanted'] as const) {
      notifications.on(topic, (id) => this.remember(id, ANNOUNCEMENT_TIMEOUT_MS));
    }
    notifications.on('thread_left', (thread_id) => this.remember(thread_id, RECONNECT_TIMEOUT_MS));
    notifications.on('followers_wanted', announceAll);
    notifications.onReconnect(() => this.requestAnnouncements());
    this.announcements = new PeriodicTask({
      name: 'Streams',
      interval_ms: ANNOUNCE_INTERVAL_MS,
      run: () => {
        this.removeExpired();
        announceAll();
      },
      failure: 'Announcing readers failed',
    }).start();
    this.requestAnnouncements();
  }

  /** True when another process reads the run or the thread, or its client may still reconnect. */
  has(id: string): boolean {
    return this.expiries.has(id);
  }

  stop(): Promise<void> {
    return this.announcements.stop();
  }

  /** After the start or a reconnect: earlier announcements of other processes were missed, and ours may have been lost. */
  private requestAnnouncements(): void {
    this.notifications.publishToOthers({ topic: 'followers_wanted', id: '' });
    this.announceAll();
  }

  private remember(id: string, ms: number): void {
    this.expiries.set(id, Math.max(this.expiries.get(id) ?? 0, performance.now() + ms));
  }

  private removeExpired(): void {
    const now = performance.now();
    for (const [id, expiry] of this.expiries) {
      if (expiry < now) {
        this.expiries.delete(id);
      }
    }
  }
}

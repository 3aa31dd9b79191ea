import type { Notifications } from '../database/index.js';

/** Milliseconds between two announcements, and until one that is not repeated is forgotten. */
const REPEAT_MS = 2_000;
const FORGET_MS = 3 * REPEAT_MS;

/**
 * Which threads are read in which process. Processes tell each other again and again, so nothing has to be tidied up
 * after one that dies. An announcement that is lost costs a reader two seconds, and no event of a run that is going on.
 */
export class Followers {
  private readonly elsewhere = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  /** `announceAll` announces everything that is read here. */
  constructor(
    private readonly notifications: Notifications,
    private readonly announceAll: () => void,
    onFollowed: (thread_id: string) => void,
  ) {
    notifications.on('thread_followed', (thread_id) => {
      this.elsewhere.set(thread_id, performance.now() + FORGET_MS);
      onFollowed(thread_id);
    });
    notifications.on('followers_wanted', announceAll);
    notifications.onReconnect(() => this.askAll());
    this.timer = setInterval(() => {
      this.forgetSilent();
      announceAll();
    }, REPEAT_MS);
    this.askAll();
  }

  announce(thread_id: string): void {
    this.notifications.tellOthers({ topic: 'thread_followed', id: thread_id });
  }

  /** True when another process reads the thread. */
  has(thread_id: string): boolean {
    return this.elsewhere.has(thread_id);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** After the start, or a lost connection: what the others have said before was missed, and what we said may have been. */
  private askAll(): void {
    this.notifications.tellOthers({ topic: 'followers_wanted', id: '' });
    this.announceAll();
  }

  private forgetSilent(): void {
    const now = performance.now();
    for (const [thread_id, expiry] of this.elsewhere) {
      if (expiry < now) {
        this.elsewhere.delete(thread_id);
      }
    }
  }
}

import type { EventLog } from './event-log.js';
import type { NumberedEvent } from './stream-event.js';

/** Limits of a tail; readers that are further behind read the log. */
const MAX_EVENTS = 2_000;
const MAX_CHARS = 4 * 1024 * 1024;

/**
 * Caches the newest events of one thread's log for all its readers in this process. An event is fetched once, or not at
 * all when this process wrote it. The tail has no gaps: it holds every event from `begin` on.
 */
export class ThreadTail {
  private events: NumberedEvent[] = [];
  private chars = 0;
  private from?: number;
  private next?: number;
  private refreshing?: Promise<void>;
  private refreshAgain = false;
  private wakeUps = new Set<() => void>();
  private starting?: Promise<void>;

  constructor(
    private readonly thread_id: string,
    private readonly log: EventLog,
  ) {}

  /** Resolves when `begin` and `end` are known. */
  ready(): Promise<void> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /** True while {@link ready} reads the log: events may have been written since. */
  get isStarting(): boolean {
    return this.starting !== undefined && this.next === undefined;
  }

  /** The next event gets this number or a greater one. All earlier events are in the tail or in the log. */
  get end(): number | undefined {
    return this.next;
  }

  /** Number of the first event in the tail; earlier events are only in the log. */
  get begin(): number | undefined {
    return this.from;
  }

  /** Events after `seq`; undefined when the tail does not reach back that far. */
  since(seq: number): NumberedEvent[] | undefined {
    if (this.from === undefined || seq + 1 < this.from) {
      return undefined;
    }
    return this.events.slice(this.firstAfter(seq));
  }

  /** Adds events that this process has written. */
  add(events: readonly NumberedEvent[]): void {
    const [first] = events;
    if (this.next !== undefined && first.seq < this.next) {
      return;
    }
    if (this.next !== undefined && first.seq > this.next) {
      // Another process has written in between, or numbers were skipped. If this refresh fails, the next poll finds it.
      this.refresh().catch(() => undefined);
      return;
    }
    this.append(events);
    this.wake();
  }

  /** Fetches events of other processes. Calls during a refresh share one more read. */
  refresh(): Promise<void> {
    this.refreshAgain = true;
    this.refreshing ??= this.fetchAll().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  /** Calls `wakeUp` once, at the next change. */
  onChange(wakeUp: () => void): void {
    this.wakeUps.add(wakeUp);
  }

  private async start(): Promise<void> {
    const { next_seq } = await this.log.bounds(this.thread_id);
    this.from ??= next_seq;
    this.next ??= next_seq;
  }

  private async fetchAll(): Promise<void> {
    await this.ready();
    while (this.refreshAgain) {
      this.refreshAgain = false;
      const { events, isLast } = await this.log.read(this.thread_id, this.next! - 1);
      this.append(events.filter(({ seq }) => seq >= this.next!));
      this.refreshAgain ||= !isLast;
      this.wake();
    }
  }

  private append(events: readonly NumberedEvent[]): void {
    for (const event of events) {
      if (event.seq !== this.next) {
        this.beginAt(event.seq);
      }
      this.events.push(event);
      this.chars += event.json.length;
      this.next = event.seq + 1;
    }
    if (this.events.length > MAX_EVENTS || this.chars > MAX_CHARS) {
      this.dropOldest();
    }
  }

  private wake(): void {
    const wakeUps = this.wakeUps;
    this.wakeUps = new Set();
    wakeUps.forEach((wakeUp) => wakeUp());
  }

  /** Restarts the tail after skipped numbers. Readers then ask the log whether events were lost. */
  private beginAt(seq: number): void {
    this.events = [];
    this.chars = 0;
    this.from = seq;
  }

  /** Drops half at a time, which amortizes the cost of moving the rest. */
  private dropOldest(): void {
    let count = 0;
    while (this.events.length - count > MAX_EVENTS / 2 || this.chars > MAX_CHARS / 2) {
      this.chars -= this.events[count].json.length;
      count += 1;
    }
    this.events.splice(0, count);
    this.from = this.events[0]?.seq ?? this.next;
  }

  private firstAfter(seq: number): number {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle].seq > seq) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}

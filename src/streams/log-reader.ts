import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/index.js';
import type { EventLog } from './event-log.js';
import { gapEvent, RUN_DONE, type NumberedEvent, type StreamPosition, type StreamReader } from './stream-event.js';
import type { ThreadTail } from './thread-tail.js';

/** Delay before an unavailable log is read again. */
const RETRY_DELAY_MS = 500;
/** Consecutive failed reads after which the stream is closed; the client reconnects. */
const MAX_FAILURES = 1_200;
/** The first event of a run is `metadata`; the others come first when the run was stopped before it started. */
const FIRST_EVENTS = new Set(['metadata', 'error', RUN_DONE]);

export interface LogReaderOptions {
  thread_id: string;
  /** Only the events of this run; absent: all events of the thread. */
  run_id?: string;
  position: StreamPosition;
  /** The run's earlier events may not be in the log yet: the process that executes it must log them. */
  needsBacklog?: boolean;
  /** All events of the run are logged, also those of earlier attempts. */
  resumable?: boolean;
}

/** Reads a thread's log: older events page by page, then the tail that all readers share. */
export class LogReader implements StreamReader {
  private readonly logger = new Logger('Streams');
  private cursor?: number;
  private left = false;
  private ending = false;
  private upTo?: number;
  private replacement?: StreamReader;
  private wakeUp: () => void = () => undefined;
  /** Failed reads since the last one that succeeded. */
  private failures = 0;
  /** Reads from the first event, as requested or because its `Last-Event-ID` is unknown. */
  private startsAtFirst = false;
  /** At least one event was returned. */
  private begun = false;

  constructor(
    private readonly log: EventLog,
    private readonly tail: ThreadTail,
    readonly options: LogReaderOptions,
    private readonly onReturn: (reader: LogReader) => void,
  ) {}

  /** Fixes the starting position; `now` means the time of this call. */
  async begin(): Promise<void> {
    if (this.cursor === undefined) {
      this.cursor = await this.startingPoint();
      this.startsAtFirst = this.cursor === -1 && this.options.position.from !== 'now';
    }
  }

  /** Number of the event before the next one to be returned; known after {@link begin}. */
  get after(): number {
    return this.cursor!;
  }

  async next(): Promise<IteratorResult<NumberedEvent[], undefined>> {
    while (!this.left) {
      if (this.replacement) {
        return this.replacement.next();
      }
      const events = await this.more().then(
        (found) => {
          this.failures = 0;
          return found;
        },
        (error: unknown) => this.waitForLog(error),
      );
      // The replacement also returns the events that were being fetched when it took over.
      if (events.length > 0 && !this.replacement) {
        this.begun = true;
        return { done: false, value: events };
      }
    }
    return { done: true, value: undefined };
  }

  return(): void {
    if (!this.left) {
      this.left = true;
      this.replacement?.return();
      this.onReturn(this);
      this.wakeUp();
    }
  }

  /** `upTo` is the number of the last event. Without it the log is read once more to find it. */
  end(upTo?: number): void {
    this.ending = true;
    this.upTo ??= upTo;
    this.wakeUp();
  }

  /** Waits for the first event of a run and has returned none, not even of an earlier attempt. */
  get isReplaceable(): boolean {
    return !this.begun && !this.left && this.options.position.from === 'start';
  }

  /** Continues with another source. The caller has already removed this reader from the log. */
  replaceBy(reader: StreamReader): void {
    this.replacement = reader;
    this.wakeUp();
  }

  /** New events; empty after waiting, or at the end. */
  private async more(): Promise<NumberedEvent[]> {
    await this.begin();
    if (this.ending && this.cursor! >= (await this.lastNumber())) {
      this.return();
      return [];
    }
    const recent = this.tail.since(this.cursor!);
    if (recent === undefined) {
      return this.page();
    }
    if (recent.length > 0) {
      const events = this.wanted(recent);
      if (await this.lacksBeginning(events)) {
        return this.reportGap(events, events[0].seq);
      }
      this.cursor = recent.at(-1)!.seq;
      return events;
    }
    await (this.ending ? this.fetchRemaining() : this.untilChange());
    return [];
  }

  /** The end may be announced before this process has fetched the last events. */
  private async lastNumber(): Promise<number> {
    if (this.upTo === undefined) {
      await this.tail.refresh();
      this.upTo ??= this.tail.end! - 1;
    }
    return this.upTo;
  }

  /** Ends the reader when the log has no more events, although it should. */
  private async fetchRemaining(): Promise<void> {
    await this.tail.refresh();
    if (this.tail.since(this.cursor!)?.length === 0) {
      this.return();
    }
  }

  private untilChange(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeUp = resolve;
      this.tail.onChange(resolve);
    });
  }

  /** One page from the log itself. Every event before the tail was committed before the tail was created. */
  private async page(): Promise<NumberedEvent[]> {
    await this.tail.ready();
    const upTo = this.tail.begin! - 1;
    const { thread_id, run_id } = this.options;
    const { events, isLast } = await this.log.read(thread_id, this.cursor!, run_id);
    const next = events[0]?.seq ?? upTo + 1;
    if (next > this.cursor! + 1 && (await this.hasGapBefore(events[0]))) {
      return this.reportGap(events, next);
    }
    const last = events.at(-1)?.seq ?? this.cursor!;
    this.cursor = isLast ? Math.max(last, upTo) : last;
    return events;
  }

  /** True when events between the last returned one and `next` have been dropped; skipped numbers are no gap. */
  private async hasGapBefore(next: NumberedEvent | undefined): Promise<boolean> {
    const { thread_id, run_id } = this.options;
    const cursor = this.cursor!;
    if (run_id === undefined) {
      return cursor >= 0 && cursor + 1 < (await this.log.bounds(thread_id)).kept_from;
    }
    if (next === undefined && cursor === -1) {
      return false;
    }
    // The oldest events of a run are dropped first: if a returned event is still stored, so are all later ones.
    const oldest = cursor === -1 ? next?.seq : await this.log.oldestOf(thread_id, run_id);
    if (oldest !== undefined) {
      return oldest > cursor && !(next && (await this.isBeginning(next)));
    }
    return cursor + 1 < (await this.log.bounds(thread_id)).kept_from;
  }

  /** A crash of the database may have emptied the log before this reader first read it. */
  private async lacksBeginning([first]: NumberedEvent[]): Promise<boolean> {
    const isFirst = this.options.run_id !== undefined && this.startsAtFirst && !this.begun;
    return isFirst && first !== undefined && !(await this.isBeginning(first));
  }

  /**
   * Whether a run begins with this event. The metadata of a later attempt is no beginning when the log has lost what came
   * before it. A first attempt that was killed before its events were logged leaves no gap.
   */
  private async isBeginning({ event, json, seq }: NumberedEvent): Promise<boolean> {
    if (event === 'metadata' && this.options.resumable && attemptOf(json) > 1) {
      return seq === 0 || (await this.log.bounds(this.options.thread_id)).kept_from !== seq;
    }
    return FIRST_EVENTS.has(event);
  }

  /** The stream of a run ends at a gap; the stream of a thread continues with the stored events. */
  private reportGap(events: NumberedEvent[], next: number): NumberedEvent[] {
    const { run_id } = this.options;
    const missing = this.cursor! + 1;
    if (run_id !== undefined) {
      this.return();
      return [gapEvent(run_id, missing)];
    }
    this.cursor = events.at(-1)?.seq ?? next - 1;
    return [gapEvent(null, missing, next - 1), ...events];
  }

  private wanted(events: NumberedEvent[]): NumberedEvent[] {
    const { run_id } = this.options;
    return run_id === undefined ? events : events.filter((event) => event.run_id === run_id);
  }

  /** The number of the event before the first one to return. */
  private async startingPoint(): Promise<number> {
    const { position } = this.options;
    if (position.from === 'start') {
      return -1;
    }
    const { end } = this.tail;
    if (position.from === 'after' && end !== undefined && position.seq < end) {
      return position.seq;
    }
    // A tail that other readers use, or are starting, may be behind the log.
    await (end === undefined && !this.tail.isStarting ? this.tail.ready() : this.tail.refresh());
    if (position.from === 'now') {
      return this.tail.end! - 1;
    }
    return position.seq < this.tail.end! ? position.seq : -1;
  }

  /** While the database is unavailable the client stays connected, up to {@link MAX_FAILURES} reads. */
  private async waitForLog(error: unknown): Promise<NumberedEvent[]> {
    if (!(error instanceof DatabaseUnavailableError)) {
      this.logger.error(`thread_id=${this.options.thread_id} Reading the event log failed`, (error as Error).stack);
      throw error;
    }
    this.failures += 1;
    if (this.failures > MAX_FAILURES) {
      throw error;
    }
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      setTimeout(resolve, RETRY_DELAY_MS).unref();
    });
    return [];
  }
}

const attemptOf = (metadata: string): number => (JSON.parse(metadata) as { attempt?: number }).attempt ?? 1;

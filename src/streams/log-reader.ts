import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/index.js';
import type { EventLog } from './event-log.js';
import { gapEvent, RUN_DONE, type NumberedEvent, type StreamPosition, type StreamReader } from './stream-event.js';
import type { ThreadTail } from './thread-tail.js';

/** Milliseconds between two tries to read a log that cannot be reached. */
const RETRY_MS = 500;
/** Failed reads in a row after which the stream is closed; the client reconnects. */
const MAX_FAILURES = 1_200;
/** What a run's events begin with; the others for a run that was stopped before it began. */
const FIRST_EVENTS = new Set(['metadata', 'error', RUN_DONE]);

export interface LogReaderOptions {
  thread_id: string;
  /** Only the events of this run; all of the thread without it. */
  run_id?: string;
  position: StreamPosition;
  /** The run's events from the beginning may not be in the log yet: whoever executes it has to be asked. */
  isAsking?: boolean;
}

/** Reads a thread's log: what is further back page by page, then from the tail that all readers share. */
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
  /** From the first event of all, by wish or because the id it came with is unknown. */
  private startsAtFirst = false;
  /** Something was given out. */
  private begun = false;

  constructor(
    private readonly log: EventLog,
    private readonly tail: ThreadTail,
    readonly options: LogReaderOptions,
    private readonly onReturn: (reader: LogReader) => void,
  ) {}

  /** Decides where this reader begins: `now` is when this is called. */
  async begin(): Promise<void> {
    if (this.cursor === undefined) {
      this.cursor = await this.startingPoint();
      this.startsAtFirst = this.cursor === -1 && this.options.position.from !== 'now';
    }
  }

  /** Number of the event before the next one to be given; after {@link begin}. */
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
      // What was fetched while another source took over comes from there, too.
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

  /** Nothing more will come than up to this number; without it the log is looked at once more. */
  end(upTo?: number): void {
    this.ending = true;
    this.upTo ??= upTo;
    this.wakeUp();
  }

  /** Waits for a run from its beginning and has seen nothing of it, not even of an earlier attempt. */
  get isReplaceable(): boolean {
    return !this.begun && !this.left && this.options.position.from === 'start';
  }

  /** Goes on with another source; its owner has detached this reader from the log. */
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
      if (this.lacksBeginning(events)) {
        return this.tellOfGap(events, events[0].seq);
      }
      this.cursor = recent.at(-1)!.seq;
      return events;
    }
    await (this.ending ? this.lookAgain() : this.untilChange());
    return [];
  }

  /** The end is announced before the last events have arrived here. */
  private async lastNumber(): Promise<number> {
    if (this.upTo === undefined) {
      await this.tail.refresh();
      this.upTo ??= this.tail.end! - 1;
    }
    return this.upTo;
  }

  /** Ends when what is still missing cannot be found. */
  private async lookAgain(): Promise<void> {
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

  /** From the log itself. Whatever stands before the tail was committed before the tail was made. */
  private async page(): Promise<NumberedEvent[]> {
    await this.tail.ready();
    const upTo = this.tail.begin! - 1;
    const { thread_id, run_id } = this.options;
    const { events, isLast } = await this.log.read(thread_id, this.cursor!, run_id);
    const next = events[0]?.seq ?? upTo + 1;
    if (next > this.cursor! + 1 && (await this.isCutOff(events[0]))) {
      return this.tellOfGap(events, next);
    }
    const last = events.at(-1)?.seq ?? this.cursor!;
    this.cursor = isLast ? Math.max(last, upTo) : last;
    return events;
  }

  /** True when events between the last one given and `next` have been dropped, and not only numbers left out. */
  private async isCutOff(next: NumberedEvent | undefined): Promise<boolean> {
    const { thread_id, run_id } = this.options;
    const cursor = this.cursor!;
    if (run_id === undefined) {
      return cursor >= 0 && cursor + 1 < (await this.log.bounds(thread_id)).kept_from;
    }
    if (next === undefined && cursor === -1) {
      return false;
    }
    // Of a run the oldest events are dropped first: when one that was seen is still there, all later ones are.
    const oldest = cursor === -1 ? next?.seq : await this.log.oldestOf(thread_id, run_id);
    if (oldest !== undefined) {
      return oldest > cursor && !(next && FIRST_EVENTS.has(next.event));
    }
    return cursor + 1 < (await this.log.bounds(thread_id)).kept_from;
  }

  /** A crash of the database may have emptied the log before this reader had looked into it. */
  private lacksBeginning([first]: NumberedEvent[]): boolean {
    const isFirst = this.options.run_id !== undefined && this.startsAtFirst && !this.begun;
    return isFirst && first !== undefined && !FIRST_EVENTS.has(first.event);
  }

  /** A run's stream ends there; a thread's goes on with what is kept. */
  private tellOfGap(events: NumberedEvent[], next: number): NumberedEvent[] {
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

  /** The number of the event before the first one to give. */
  private async startingPoint(): Promise<number> {
    const { position } = this.options;
    if (position.from === 'start') {
      return -1;
    }
    const { end } = this.tail;
    if (position.from === 'after' && end !== undefined && position.seq < end) {
      return position.seq;
    }
    // A tail that others read may be behind.
    await (end === undefined ? this.tail.ready() : this.tail.refresh());
    if (position.from === 'now') {
      return this.tail.end! - 1;
    }
    return position.seq < this.tail.end! ? position.seq : -1;
  }

  /** The database is unavailable; the client is kept, but not for ever. */
  private async waitForLog(error: unknown): Promise<NumberedEvent[]> {
    if (!(error instanceof DatabaseUnavailableError)) {
      this.logger.error(`thread_id=${this.options.thread_id} Events cannot be read`, (error as Error).stack);
      throw error;
    }
    this.failures += 1;
    if (this.failures > MAX_FAILURES) {
      throw error;
    }
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      setTimeout(resolve, RETRY_MS).unref();
    });
    return [];
  }
}

import type { EventLog } from './event-log.js';
import { gapEvent, RUN_DONE, type NumberedEvent, type StreamPosition, type StreamReader } from './stream-event.js';
import type { ThreadTail } from './thread-tail.js';

/** Milliseconds between two tries to read a log that cannot be reached. */
const RETRY_MS = 500;
/** What a run's events begin with; the others for a run that was stopped before it began. */
const FIRST_EVENTS = new Set(['metadata', 'error', RUN_DONE]);

export interface LogReaderOptions {
  thread_id: string;
  /** Only the events of this run; all of the thread without it. */
  run_id?: string;
  position: StreamPosition;
}

/** Reads a thread's log: what is further back page by page, then from the tail that all readers share. */
export class LogReader implements StreamReader {
  private cursor?: number;
  private left = false;
  private ending = false;
  private upTo?: number;
  private replacement?: StreamReader;
  private wakeUp: () => void = () => undefined;
  /** Something was given out. */
  private begun = false;

  constructor(
    private readonly log: EventLog,
    private readonly tail: ThreadTail,
    readonly options: LogReaderOptions,
    private readonly onReturn: () => void,
  ) {}

  async next(): Promise<IteratorResult<NumberedEvent[], undefined>> {
    while (!this.left) {
      if (this.replacement) {
        return this.replacement.next();
      }
      const events = await this.more().catch(() => this.waitForLog());
      if (events.length > 0) {
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
      this.onReturn();
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
    this.cursor ??= await this.startingPoint();
    const recent = this.tail.since(this.cursor);
    if (recent === undefined) {
      return this.page();
    }
    if (recent.length > 0) {
      this.cursor = recent.at(-1)!.seq;
      return this.wanted(recent);
    }
    if (this.ending) {
      return this.last();
    }
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      this.tail.onChange(resolve);
    });
    return [];
  }

  /** From the log itself. Whatever stands before the tail was committed before the tail was made. */
  private async page(): Promise<NumberedEvent[]> {
    await this.tail.ready();
    const upTo = this.tail.begin! - 1;
    const { thread_id, run_id } = this.options;
    const events = await this.log.read(thread_id, this.cursor!, run_id);
    const next = events[0]?.seq ?? upTo + 1;
    if (next > this.cursor! + 1 && (await this.isCutOff(events[0]))) {
      return this.tellOfGap();
    }
    this.cursor = events.at(-1)?.seq ?? Math.max(this.cursor!, upTo);
    return events;
  }

  /** True when events between the last one given and `next` have been dropped, and not only numbers left out. */
  private async isCutOff(next: NumberedEvent | undefined): Promise<boolean> {
    const { thread_id, run_id } = this.options;
    if (this.cursor === -1) {
      // Everything that is kept, which must be all of a run.
      return run_id !== undefined && next !== undefined && !FIRST_EVENTS.has(next.event);
    }
    return this.cursor! + 1 < (await this.log.bounds(thread_id)).kept_from;
  }

  /** A run's stream ends there; a thread's goes on with the oldest event that is kept. */
  private tellOfGap(): NumberedEvent[] {
    const { run_id = null } = this.options;
    const gap = gapEvent(this.cursor! + 1, run_id);
    this.cursor = -1;
    if (run_id !== null) {
      this.left = true;
      this.onReturn();
    }
    return [gap];
  }

  /** Looks once more, because the end is announced before the last events have arrived here. */
  private async last(): Promise<NumberedEvent[]> {
    if (this.upTo === undefined || this.cursor! < this.upTo) {
      await this.tail.refresh();
    }
    const events = this.tail.since(this.cursor!);
    if (events?.length === 0) {
      this.return();
    }
    return [];
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
    await this.tail.ready();
    const end = this.tail.end!;
    if (position.from === 'now') {
      return end - 1;
    }
    return position.seq >= 0 && position.seq < end ? position.seq : -1;
  }

  /** The database is away; the client is kept. */
  private async waitForLog(): Promise<NumberedEvent[]> {
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      setTimeout(resolve, RETRY_MS).unref();
    });
    return [];
  }
}

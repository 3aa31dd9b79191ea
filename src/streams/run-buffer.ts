import {
  gapEvent,
  type NumberedEvent,
  StreamBrokenError,
  type StreamEvent,
  type StreamPosition,
  type StreamReader,
} from './stream-event.js';

/** Most events of one run that are kept at a time. */
const MAX_EVENTS = 20_000;
/** Most characters of one run that are kept at a time. */
const MAX_CHARS = 64 * 1024 * 1024;
/** Characters that a reader gets at once, unless a single event has more: what a client does not take stays here. */
const MAX_BATCH_CHARS = 1024 * 1024;

/** The events of one run in the memory of the process that executes it: bounded, with any number of readers. */
export class RunBuffer {
  private events: NumberedEvent[] = [];
  private nextSeq = 0;
  private readonly wakeUps = new Set<() => void>();
  /** Nothing more will come. */
  closed = false;
  /** What comes is not known here. */
  broken = false;
  wasRead = false;
  /** Characters kept. */
  size = 0;

  constructor(readonly run_id: string) {}

  append(event: string, json: string): void {
    this.events.push({ seq: this.nextSeq++, run_id: this.run_id, event, json });
    this.size += json.length;
    if (this.events.length > MAX_EVENTS || this.size > MAX_CHARS) {
      this.dropOldest();
    }
    this.wakeReaders();
  }

  close(): void {
    this.closed = true;
    this.wakeReaders();
  }

  /** Readers are sent away, to come back where the run goes on. */
  breakOff(): void {
    this.broken = true;
    this.wakeReaders();
  }

  read(position: StreamPosition): StreamReader {
    this.wasRead = true;
    return new Reader(this, this.startOf(position));
  }

  /** All that is kept, with a note about what is not. */
  kept(): StreamEvent[] {
    const first = this.events[0]?.seq ?? 0;
    return first > 0 ? [gapEvent(this.run_id, 0), ...this.events] : this.events;
  }

  /** Events from `seq` on, as many as are given at once; `undefined` when some of them have been dropped. */
  since(seq: number): NumberedEvent[] | undefined {
    const start = seq - (this.nextSeq - this.events.length);
    if (start < 0) {
      return undefined;
    }
    let end = start;
    for (let chars = 0; end < this.events.length && chars < MAX_BATCH_CHARS; end += 1) {
      chars += this.events[end].json.length;
    }
    return this.events.slice(start, end);
  }

  waitForMore(wakeUp: () => void): void {
    this.wakeUps.add(wakeUp);
  }

  private startOf(position: StreamPosition): number {
    switch (position.from) {
      case 'start':
        return this.nextSeq - this.events.length;
      case 'after':
        // A number that this run never had: from the oldest kept event (contract 3.5).
        return position.seq >= 0 && position.seq < this.nextSeq ? position.seq + 1 : this.nextSeq - this.events.length;
      case 'now':
        return this.nextSeq;
    }
  }

  private wakeReaders(): void {
    for (const wakeUp of this.wakeUps) {
      wakeUp();
    }
    this.wakeUps.clear();
  }

  /** Drops a quarter at once, so that the cost of moving the rest is spread over many events. */
  private dropOldest(): void {
    const dropped = this.events.splice(0, Math.ceil(this.events.length / 4));
    this.size -= dropped.reduce((sum, { json }) => sum + json.length, 0);
  }
}

class Reader implements StreamReader {
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly buffer: RunBuffer,
    private seq: number,
  ) {}

  async next(): Promise<IteratorResult<NumberedEvent[], undefined>> {
    while (!this.ended) {
      const events = this.buffer.since(this.seq);
      if (events === undefined) {
        this.return();
        return { done: false, value: [gapEvent(this.buffer.run_id, this.seq)] };
      }
      if (events.length > 0) {
        this.seq += events.length;
        return { done: false, value: events };
      }
      if (this.buffer.closed) {
        break;
      }
      if (this.buffer.broken) {
        this.return();
        throw new StreamBrokenError();
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.buffer.waitForMore(resolve);
      });
    }
    this.return();
    return { done: true, value: undefined };
  }

  return(): void {
    this.ended = true;
    this.wake();
  }
}

import {
  gapEvent,
  type NumberedEvent,
  type StreamEvent,
  StreamMovedError,
  type StreamPosition,
  type StreamReader,
} from './stream-event.js';

const MAX_EVENTS = 20_000;
const MAX_CHARS = 64 * 1024 * 1024;
/** Characters of one batch, unless a single event is longer. For backpressure: what a slow client has not read stays here. */
const MAX_BATCH_CHARS = 1024 * 1024;

/** The events of one run in the memory of the process that executes it: a bounded buffer with any number of readers. */
export class RunBuffer {
  private events: NumberedEvent[] = [];
  private nextSeq = 0;
  private readonly wakeUps = new Set<() => void>();
  /** No more events follow. */
  closed = false;
  /** Further events are produced in another process. */
  disconnected = false;
  wasRead = false;
  /** In characters. */
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

  /** Disconnects the readers, so that they reconnect where the run continues. */
  disconnect(): void {
    this.disconnected = true;
    this.wakeReaders();
  }

  read(position: StreamPosition): StreamReader {
    this.wasRead = true;
    return new Reader(this, this.startOf(position));
  }

  /** All buffered events, after a gap event when earlier ones have been dropped. */
  kept(): StreamEvent[] {
    const first = this.events[0]?.seq ?? 0;
    return first > 0 ? [gapEvent(this.run_id, 0), ...this.events] : this.events;
  }

  /** One batch of events from `seq` on; `undefined` when some of them have been dropped. */
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
        // An unknown number starts at the oldest buffered event (contract 3.5).
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

  /** Drops a quarter at a time, which amortizes the cost of moving the rest. */
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
      if (this.buffer.disconnected) {
        this.return();
        throw new StreamMovedError();
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

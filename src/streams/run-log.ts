import type { RunStreamReader, RunStreamWriter, StreamEvent, StreamPosition } from './event-stream.js';

/** Most events of one run that are kept at a time. */
const MAX_EVENTS = 20_000;
/** Most characters of one run that are kept at a time. */
const MAX_CHARS = 64 * 1024 * 1024;

/** The events of one run in memory: bounded, with any number of independent readers. */
export class RunLog implements RunStreamWriter {
  private events: StreamEvent[] = [];
  private firstSeq = 0;
  private nextSeq = 0;
  private readonly wakeUps = new Set<() => void>();
  private readonly readers = new Set<Reader>();
  private wasRead = false;
  closed = false;
  /** Characters kept. */
  size = 0;

  constructor(
    readonly resumable: boolean,
    private readonly onClose: (log: RunLog) => void,
  ) {}

  append(event: string, json: string): void {
    if (this.closed) {
      return;
    }
    this.events.push({ seq: this.nextSeq++, event, json });
    this.size += json.length;
    if (this.events.length > MAX_EVENTS || this.size > MAX_CHARS) {
      this.dropOldest();
    }
    this.wakeReaders();
  }

  close(): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.wakeReaders();
    this.onClose(this);
  }

  get readerCount(): number {
    return this.readers.size;
  }

  read(position: StreamPosition): RunStreamReader {
    const reader = new Reader(this, this.startOf(position));
    this.wasRead = true;
    this.readers.add(reader);
    return reader;
  }

  /** Events from `seq` on; `undefined` when some of them have been dropped. */
  since(seq: number): StreamEvent[] | undefined {
    return seq < this.firstSeq ? undefined : this.events.slice(seq - this.firstSeq);
  }

  waitForMore(wakeUp: () => void): void {
    this.wakeUps.add(wakeUp);
  }

  detach(reader: Reader): void {
    this.readers.delete(reader);
  }

  private startOf(position: StreamPosition): number {
    switch (position.from) {
      case 'start':
        return this.firstSeq;
      case 'after':
        // An id that this run never had: from the oldest kept event (contract 3.5).
        return position.seq >= this.nextSeq ? this.firstSeq : Math.max(position.seq + 1, 0);
      case 'join':
        return this.wasRead ? this.nextSeq : this.firstSeq;
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
    this.firstSeq += dropped.length;
    this.size -= dropped.reduce((sum, { json }) => sum + json.length, 0);
  }
}

class Reader implements RunStreamReader {
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly log: RunLog,
    private seq: number,
  ) {}

  async next(): Promise<IteratorResult<StreamEvent[], undefined>> {
    while (!this.ended) {
      const events = this.log.since(this.seq);
      if (events === undefined) {
        this.return();
        return { done: false, value: [gapEvent(this.seq)] };
      }
      if (events.length > 0) {
        this.seq += events.length;
        return { done: false, value: events };
      }
      if (this.log.closed) {
        break;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.log.waitForMore(resolve);
      });
    }
    this.return();
    return { done: true, value: undefined };
  }

  return(): void {
    this.ended = true;
    this.log.detach(this);
    this.wake();
  }
}

/** A reader asked for events that are no longer kept: it is told so instead of being given a stream with a hole. */
const gapEvent = (seq: number): StreamEvent => ({
  seq,
  event: 'error',
  json: JSON.stringify({
    error: 'StreamGap',
    message: `Events from ${seq} on are no longer kept: this reader was too slow or came too late. Read the state.`,
  }),
});

import { DatabaseUnavailableError } from '../../src/database/database.errors.js';
import { type Appended, EventLog, type LogBounds, type LogPage, type NewChunk } from '../../src/streams/event-log.js';
import type { NumberedEvent } from '../../src/streams/stream-event.js';

interface Thread {
  events: NumberedEvent[];
  next_seq: number;
  kept_from: number;
}

/** An event log in memory, for tests of its readers and writers. It fails and blocks on request. */
export class MemoryEventLog extends EventLog {
  private readonly threads = new Map<string, Thread>();
  private readonly places = new Map<string, Appended>();
  /** The chunks of each call of `append`. */
  readonly appends: NewChunk[][] = [];
  reads = 0;
  isUnavailable = false;
  /** Fails the next `append` after it has written. */
  losesResponse = false;
  isRefused: (chunk: NewChunk) => boolean = () => false;
  isPoison: (chunk: NewChunk) => boolean = () => false;
  /** Awaited at the start of each call, and again before it returns. */
  gate: () => Promise<void> | void = () => undefined;

  constructor(private readonly pageSize = 100) {
    super();
  }

  override async append(chunks: readonly NewChunk[], again: boolean): Promise<(Appended | undefined)[]> {
    this.appends.push(chunks.map((chunk) => ({ ...chunk, events: [...chunk.events] })));
    await this.arrive();
    if (chunks.some(this.isPoison)) {
      throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    }
    const places = chunks.map((chunk) =>
      again && this.places.has(chunk.chunk_id) ? this.places.get(chunk.chunk_id) : this.write(chunk),
    );
    await this.gate();
    if (this.losesResponse) {
      this.losesResponse = false;
      throw new DatabaseUnavailableError(new Error('Connection terminated'));
    }
    return places;
  }

  override async read(thread_id: string, after: number, run_id?: string): Promise<LogPage> {
    this.reads += 1;
    await this.arrive();
    const found = this.of(thread_id).events.filter(
      (event) => event.seq > after && (run_id === undefined || event.run_id === run_id),
    );
    await this.gate();
    return { events: found.slice(0, this.pageSize), isLast: found.length <= this.pageSize };
  }

  override async bounds(thread_id: string): Promise<LogBounds> {
    await this.arrive();
    const { kept_from, next_seq } = this.of(thread_id);
    return { kept_from, next_seq };
  }

  override async oldestOf(thread_id: string, run_id: string): Promise<number | undefined> {
    await this.arrive();
    return this.of(thread_id).events.find((event) => event.run_id === run_id)?.seq;
  }

  override async ends(thread_ids: readonly string[]): Promise<Map<string, number>> {
    await this.arrive();
    return new Map(thread_ids.map((thread_id) => [thread_id, this.of(thread_id).next_seq]));
  }

  override trim(): Promise<void> {
    return this.arrive();
  }

  override sweep(): Promise<void> {
    return this.arrive();
  }

  /** Writes `count` events as another process; each holds its number, or `json`. */
  add(thread_id: string, run_id: string | null, count: number, name = 'custom', json?: string): NumberedEvent[] {
    const thread = this.of(thread_id);
    const added = Array.from({ length: count }, () => {
      const seq = thread.next_seq++;
      return { seq, run_id, event: name, json: json ?? String(seq) };
    });
    thread.events.push(...added);
    return added;
  }

  /** Skips numbers. */
  skip(thread_id: string, numbers: number): void {
    this.of(thread_id).next_seq += numbers;
  }

  /** Simulates a crash of the database: all events are lost, and numbers are skipped. */
  crash(thread_id: string): void {
    const thread = this.of(thread_id);
    thread.events = [];
    thread.next_seq += 1_000;
    thread.kept_from = thread.next_seq;
  }

  drop(thread_id: string, isDropped: (event: NumberedEvent) => boolean): void {
    const thread = this.of(thread_id);
    const dropped = thread.events.filter(isDropped);
    thread.events = thread.events.filter((event) => !isDropped(event));
    thread.kept_from = Math.max(thread.kept_from, (dropped.at(-1)?.seq ?? -1) + 1);
  }

  eventsOf(thread_id: string): NumberedEvent[] {
    return this.of(thread_id).events;
  }

  private async arrive(): Promise<void> {
    await this.gate();
    if (this.isUnavailable) {
      throw new DatabaseUnavailableError(new Error('ECONNREFUSED'));
    }
  }

  private write(chunk: NewChunk): Appended | undefined {
    if (this.isRefused(chunk)) {
      return undefined;
    }
    const { thread_id, run_id, events, chunk_id } = chunk;
    const thread = this.of(thread_id);
    const place = { seq: thread.next_seq, kept_size: 0 };
    thread.events.push(...events.map((event, index) => ({ ...event, seq: place.seq + index, run_id })));
    thread.next_seq += events.length;
    this.places.set(chunk_id, place);
    return place;
  }

  private of(thread_id: string): Thread {
    const thread = this.threads.get(thread_id) ?? { events: [], next_seq: 0, kept_from: 0 };
    this.threads.set(thread_id, thread);
    return thread;
  }
}

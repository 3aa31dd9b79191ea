import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/index.js';
import { type Appended, type EventLog, MAX_CHUNK_EVENTS, MAX_CHUNKS, type NewChunk } from './event-log.js';
import type { StreamEvent } from './stream-event.js';

/** A chunk is full at this size; a single event may be longer. */
const MAX_CHUNK_CHARS = 64 * 1024;
/** Characters per statement, unless a single chunk is longer. */
const MAX_BATCH_CHARS = 1024 * 1024;
/** How long events without a reader may wait to be batched. */
const LAZY_FLUSH_MS = 100;
/** Exponential backoff of a failed statement. */
const MIN_RETRY_DELAY_MS = 50;
const MAX_RETRY_DELAY_MS = 2_000;
/** How long a statement is retried. Leases expire much earlier, and the runs continue on other workers. */
const MAX_OUTAGE_MS = 10 * 60_000;

/** The run or thread that produced the events. */
export interface LogSource {
  thread_id: string;
  run_id: string | null;
  lease_token: string | null;
  resumable: boolean;
}

/** Called for each chunk after its commit; `at` is undefined when the chunk was rejected. */
export type OnLogged = (chunk: NewChunk, at: Appended | undefined) => void;

interface OpenChunk {
  chunk: NewChunk & { events: StreamEvent[] };
  size: number;
  settled: Promise<void>;
  settle: () => void;
}

/**
 * Writes events to the log: one statement at a time for all threads of the process. Events that arrive during a statement
 * go into the next one. So batches grow with the load, and no event waits for a timer.
 */
export class LogWriter {
  private readonly logger = new Logger('Streams');
  /** By thread, oldest chunk first; threads take turns in this order. */
  private readonly waiting = new Map<string, OpenChunk[]>();
  private readonly inFlight = new Set<OpenChunk>();
  private lazyTimer?: NodeJS.Timeout;
  private flushing?: Promise<void>;
  private stopped = false;

  constructor(
    private readonly log: EventLog,
    private readonly onLogged: OnLogged,
  ) {}

  /** `lazy` events wait for other events or for {@link LAZY_FLUSH_MS}, whichever comes first. */
  append(source: LogSource, events: readonly StreamEvent[], lazy: boolean): void {
    for (const event of events) {
      this.add(source, event);
    }
    if (!lazy) {
      this.flushSoon();
    } else {
      this.lazyTimer ??= setTimeout(() => this.flushSoon(), LAZY_FLUSH_MS);
    }
  }

  /** Resolves when everything appended for this thread so far is committed or rejected. */
  async drained(thread_id: string): Promise<void> {
    const last = this.waiting.get(thread_id)?.at(-1);
    if (last) {
      this.flushSoon();
      await last.settled;
    }
  }

  /** Writes the remaining events. If the log is unavailable they are lost with the process. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.flushSoon();
    await this.flushing;
  }

  private add({ thread_id, run_id, lease_token, resumable }: LogSource, event: StreamEvent): void {
    const chunks = this.waiting.get(thread_id) ?? [];
    this.waiting.set(thread_id, chunks);
    let open = chunks.at(-1);
    const fits =
      open?.chunk.run_id === run_id &&
      open.chunk.lease_token === lease_token &&
      open.size < MAX_CHUNK_CHARS &&
      open.chunk.events.length < MAX_CHUNK_EVENTS &&
      !this.inFlight.has(open);
    if (!open || !fits) {
      open = newChunk({ chunk_id: randomUUID(), thread_id, run_id, lease_token, resumable, events: [] });
      chunks.push(open);
    }
    open.chunk.events.push(event);
    open.size += event.event.length + event.json.length;
  }

  private flushSoon(): void {
    clearTimeout(this.lazyTimer);
    this.lazyTimer = undefined;
    this.flushing ??= this.flushAll().finally(() => {
      this.flushing = undefined;
      if (this.waiting.size > 0 && !this.stopped) {
        this.flushSoon();
      }
    });
  }

  /** Writes until nothing is left. Events of the same turn of the event loop share a statement. */
  private async flushAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0) {
      if (!(await this.write(this.takeBatch(), false))) {
        this.abandonAll();
      }
    }
  }

  /** The oldest chunk of each thread, as many as fit into one statement. Threads take turns. */
  private takeBatch(): OpenChunk[] {
    const batch: OpenChunk[] = [];
    let size = 0;
    for (const [open] of this.waiting.values()) {
      if (batch.length === MAX_CHUNKS || (size > 0 && size + open.size > MAX_BATCH_CHARS)) {
        break;
      }
      batch.push(open);
      size += open.size;
      this.inFlight.add(open);
    }
    return batch;
  }

  /**
   * Retries until the batch is written; other batches wait. Returns false when the process stops first or the log stays
   * unavailable.
   */
  private async write(batch: OpenChunk[], again: boolean): Promise<boolean> {
    const chunks = batch.map(({ chunk }) => chunk);
    const deadline = performance.now() + MAX_OUTAGE_MS;
    for (
      let delay = MIN_RETRY_DELAY_MS;
      performance.now() < deadline;
      delay = Math.min(delay * 2, MAX_RETRY_DELAY_MS)
    ) {
      let places: (Appended | undefined)[];
      try {
        places = await this.log.append(chunks, again);
      } catch (error) {
        if (isPermanent(error)) {
          return this.writeOneByOne(batch, again, error);
        }
        if (this.stopped) {
          return false;
        }
        if (!again) {
          this.logger.warn(`Writing to the event log failed, retrying: ${String(error)}`);
        }
        await sleep(delay);
        again = true;
        continue;
      }
      batch.forEach((open, index) => this.settle(open, places[index]));
      return true;
    }
    this.logger.error(`Events are lost: the log was unavailable for ${MAX_OUTAGE_MS / 60_000} minutes`);
    return false;
  }

  /** Isolates the chunk that the log rejects permanently, so that it does not block the others. */
  private async writeOneByOne(batch: OpenChunk[], again: boolean, error: unknown): Promise<boolean> {
    const [first] = batch;
    if (batch.length === 1) {
      this.logger.error(`thread_id=${first.chunk.thread_id} Events are lost: the log rejects them: ${String(error)}`);
      this.settle(first, undefined);
      return true;
    }
    for (const open of batch) {
      if (!(await this.write([open], again))) {
        return false;
      }
    }
    return true;
  }

  private settle(open: OpenChunk, at: Appended | undefined): void {
    const { thread_id } = open.chunk;
    const chunks = this.waiting.get(thread_id) ?? [];
    chunks.shift();
    // A thread with more chunks goes behind the others.
    this.waiting.delete(thread_id);
    if (chunks.length > 0) {
      this.waiting.set(thread_id, chunks);
    }
    this.inFlight.delete(open);
    this.onLogged(open.chunk, at);
    open.settle();
  }

  /** Discards all chunks and resolves everything that waits for them. */
  private abandonAll(): void {
    const chunks = [...this.waiting.values()].flat();
    this.waiting.clear();
    this.inFlight.clear();
    chunks.forEach((open) => open.settle());
  }
}

/** SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded, internal error. */
const PERMANENT_ERRORS = /^(22|23|54|XX)/;

/** True when a retry would fail the same way. Errors without a code are faults of this process, not of the log. */
function isPermanent(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return !(error instanceof DatabaseUnavailableError) && (typeof code !== 'string' || PERMANENT_ERRORS.test(code));
}

function newChunk(chunk: OpenChunk['chunk']): OpenChunk {
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { chunk, size: 0, settled, settle };
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/index.js';
import { type Appended, type EventLog, MAX_CHUNK_EVENTS, MAX_CHUNKS, type NewChunk } from './event-log.js';
import type { StreamEvent } from './stream-event.js';

/** Characters at which a chunk is full; a single event may be longer. */
const MAX_CHUNK_CHARS = 64 * 1024;
/** Characters of one statement, unless one chunk alone has more. */
const MAX_BATCH_CHARS = 1024 * 1024;
/** Milliseconds that events nobody waits for may wait for company. */
const LAZY_MS = 100;
/** Milliseconds until a failed statement is tried again: the first time, and at most. */
const RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** Milliseconds for which a statement is tried again. Leases have run out long before: the runs continue elsewhere. */
const MAX_OUTAGE_MS = 10 * 60_000;

/** Whose events they are. */
export interface LogSource {
  thread_id: string;
  run_id: string | null;
  lease_token: string | null;
  resumable: boolean;
}

/** Told about each chunk when it has been committed; `at` is undefined when it was refused. */
export type OnLogged = (chunk: NewChunk, at: Appended | undefined) => void;

interface OpenChunk {
  chunk: NewChunk & { events: StreamEvent[] };
  size: number;
  settled: Promise<void>;
  settle: () => void;
}

/**
 * Writes events into the log: one statement at a time for all threads of the process. What comes while a statement is
 * under way goes with the next one, so batches grow with the load and nobody waits for a timer.
 */
export class LogWriter {
  private readonly logger = new Logger('Streams');
  /** By thread, oldest first; in order of arrival among threads. */
  private readonly waiting = new Map<string, OpenChunk[]>();
  private readonly underWay = new Set<OpenChunk>();
  private lazyTimer?: NodeJS.Timeout;
  private flushing?: Promise<void>;
  private stopped = false;

  constructor(
    private readonly log: EventLog,
    private readonly onLogged: OnLogged,
  ) {}

  /** `lazy` events go with others that are not, and otherwise a little later. */
  append(source: LogSource, events: readonly StreamEvent[], lazy: boolean): void {
    for (const event of events) {
      this.add(source, event);
    }
    if (!lazy) {
      this.flushSoon();
    } else {
      this.lazyTimer ??= setTimeout(() => this.flushSoon(), LAZY_MS);
    }
  }

  /** Resolves when everything that was appended for this thread until now is committed or refused. */
  async drained(thread_id: string): Promise<void> {
    const last = this.waiting.get(thread_id)?.at(-1);
    if (last) {
      this.flushSoon();
      await last.settled;
    }
  }

  /** Writes what is left, unless the log is away; what cannot be written is lost with the process. */
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
      !this.underWay.has(open);
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

  /** Until nothing is left. The events of one turn of the event loop travel together. */
  private async flushAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0) {
      if (!(await this.write(this.takeBatch(), false))) {
        this.giveUp();
      }
    }
  }

  /** The oldest chunk of each thread, as far as they fit together. Threads take turns. */
  private takeBatch(): OpenChunk[] {
    const batch: OpenChunk[] = [];
    let size = 0;
    for (const [open] of this.waiting.values()) {
      if (batch.length === MAX_CHUNKS || (size > 0 && size + open.size > MAX_BATCH_CHARS)) {
        break;
      }
      batch.push(open);
      size += open.size;
      this.underWay.add(open);
    }
    return batch;
  }

  /** Retries: nothing else can be written meanwhile. False when the process stops first, or the log stays unavailable. */
  private async write(batch: OpenChunk[], again: boolean): Promise<boolean> {
    const chunks = batch.map(({ chunk }) => chunk);
    const deadline = performance.now() + MAX_OUTAGE_MS;
    for (let delay = RETRY_MS; performance.now() < deadline; delay = Math.min(delay * 2, LONGEST_RETRY_MS)) {
      let places: (Appended | undefined)[];
      try {
        places = await this.log.append(chunks, again);
      } catch (error) {
        if (isHopeless(error)) {
          return this.writeOneByOne(batch, again, error);
        }
        if (this.stopped) {
          return false;
        }
        if (!again) {
          this.logger.warn(`Events cannot be written to the log, trying again: ${String(error)}`);
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

  /** Finds the chunk that the log will never take, so that the others do not wait for it. */
  private async writeOneByOne(batch: OpenChunk[], again: boolean, error: unknown): Promise<boolean> {
    const [first] = batch;
    if (batch.length === 1) {
      this.logger.error(`thread_id=${first.chunk.thread_id} Events cannot be kept: ${String(error)}`);
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
    // Behind the others when it has more to write.
    this.waiting.delete(thread_id);
    if (chunks.length > 0) {
      this.waiting.set(thread_id, chunks);
    }
    this.underWay.delete(open);
    this.onLogged(open.chunk, at);
    open.settle();
  }

  /** Nobody shall wait for what will not be written any more. */
  private giveUp(): void {
    const chunks = [...this.waiting.values()].flat();
    this.waiting.clear();
    this.underWay.clear();
    chunks.forEach((open) => open.settle());
  }
}

/** SQLSTATE classes: data that cannot be stored, what contradicts other data, limits, internal errors. */
const HOPELESS = /^(22|23|54|XX)/;

/** True when another try would end the same way; errors without a code come from here, not from the log. */
function isHopeless(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return !(error instanceof DatabaseUnavailableError) && (typeof code !== 'string' || HOPELESS.test(code));
}

function newChunk(chunk: OpenChunk['chunk']): OpenChunk {
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { chunk, size: 0, settled, settle };
}

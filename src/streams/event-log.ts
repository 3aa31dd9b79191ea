import type { NumberedEvent, StreamEvent } from './stream-event.js';

/** Limits of one `append`: events per chunk, and chunks. */
export const MAX_CHUNK_EVENTS = 1_000;
export const MAX_CHUNKS = 128;

/** Consecutive events of one run, or of a thread itself, to be appended to the log. */
export interface NewChunk {
  /** Chosen by the writer: makes a retry idempotent when the outcome of the first write is unknown. */
  chunk_id: string;
  thread_id: string;
  /** Null for events of the thread itself. */
  run_id: string | null;
  /** Fencing token: the chunk is written only while the run holds this lease. Null: while the thread exists. */
  lease_token: string | null;
  /** Selects the longer retention of {@link LogRetention}. */
  resumable: boolean;
  events: readonly StreamEvent[];
}

/** The position of a chunk in the log. */
export interface Appended {
  /** Sequence number of its first event. */
  seq: number;
  /** Approximate number of bytes that the log now stores for the thread. */
  kept_size: number;
}

/** One page of a thread's events. */
export interface LogPage {
  events: NumberedEvent[];
  /** The log has no further events. */
  isLast: boolean;
}

/** The range of a thread's log. */
export interface LogBounds {
  /** Events with a lower number may have been dropped; all others are stored. */
  kept_from: number;
  /** The number of the next event. */
  next_seq: number;
}

/** How long events are stored: milliseconds after the end of their run. */
export interface LogRetention {
  resumable_ms: number;
  other_ms: number;
}

/**
 * Stores the events of threads where all processes can read them. Sequence numbers increase along a thread, across its
 * runs, in the order of commits: a reader that has read up to a number has missed nothing before it. Numbers may have
 * gaps and are never reused. The oldest events of a run are dropped first.
 *
 * All methods throw `DatabaseUnavailableError` when a retry may succeed. The contract suite is in `test/contracts`.
 */
export abstract class EventLog {
  /**
   * Writes chunks, at most {@link MAX_CHUNKS} and one per thread, and returns their positions. `undefined` marks a chunk
   * that was rejected because its lease is lost or its thread is deleted. `again` marks a retry: an earlier call with
   * these chunks failed, and some of them may have been written or may still be in flight.
   */
  abstract append(chunks: readonly NewChunk[], again: boolean): Promise<(Appended | undefined)[]>;

  /** Events of a thread with a number greater than `after`, in order; with `run_id` only those of that run. */
  abstract read(thread_id: string, after: number, run_id?: string): Promise<LogPage>;

  abstract bounds(thread_id: string): Promise<LogBounds>;

  /** The number of the oldest stored event of a run. */
  abstract oldestOf(thread_id: string, run_id: string): Promise<number | undefined>;

  /** The next event number of each thread; deleted threads are omitted. */
  abstract ends(thread_ids: readonly string[]): Promise<Map<string, number>>;

  /** Drops the oldest events of a thread until at most `size` bytes are stored. */
  abstract trim(thread_id: string, size: number): Promise<void>;

  /** Removes events whose retention has passed. */
  abstract sweep(retention: LogRetention): Promise<void>;
}

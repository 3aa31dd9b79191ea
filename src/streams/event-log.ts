import type { NumberedEvent, StreamEvent } from './stream-event.js';

/** Most events of a chunk, and most chunks that are written at once. */
export const MAX_CHUNK_EVENTS = 1_000;
export const MAX_CHUNKS = 128;

/** Consecutive events of one run, or of a thread itself, on their way into the log. */
export interface NewChunk {
  /** Made by the writer, so that a chunk whose fate is unknown is not written twice. */
  chunk_id: string;
  thread_id: string;
  /** Null for events of the thread itself. */
  run_id: string | null;
  /** With it the chunk is written only while the run's lease is held; without it while the thread is there. */
  lease_token: string | null;
  /** Kept until long after the run has ended. */
  resumable: boolean;
  events: readonly StreamEvent[];
}

/** Where a chunk has its place. */
export interface Appended {
  /** Number of its first event. */
  seq: number;
  /** Bytes that the log keeps for the thread by now, more or less. */
  kept_size: number;
}

/** Part of a thread's events. */
export interface LogPage {
  events: NumberedEvent[];
  /** Nothing more was there. */
  isLast: boolean;
}

/** What a thread's log holds. */
export interface LogBounds {
  /** Events with a lower number may have been dropped; all others are there. */
  kept_from: number;
  /** The number that the next event gets. */
  next_seq: number;
}

/** How long events stay. Milliseconds from the end of their run. */
export interface LogRetention {
  resumable_ms: number;
  other_ms: number;
}

/**
 * Keeps the events of threads where all processes can read them. Numbers increase along a thread, across its runs, and
 * are given in the order of commits: whoever has read up to a number has missed nothing before it. Numbers may jump,
 * and are never given twice. Of one run the oldest events are dropped first.
 *
 * All methods throw `DatabaseUnavailableError` when another try may succeed. The contract suite is in `test/contracts`.
 */
export abstract class EventLog {
  /**
   * Writes all chunks, at most {@link MAX_CHUNKS} and one of each thread, and says where. `undefined` for one that was
   * refused: its lease or its thread is gone. `again` when an earlier call with these chunks failed and some of them may
   * have arrived, or may arrive yet.
   */
  abstract append(chunks: readonly NewChunk[], again: boolean): Promise<(Appended | undefined)[]>;

  /** Events of a thread with a number greater than `after`, in order; with `run_id` only those of that run. */
  abstract read(thread_id: string, after: number, run_id?: string): Promise<LogPage>;

  abstract bounds(thread_id: string): Promise<LogBounds>;

  /** The number of the oldest event of a run that is kept. */
  abstract oldestOf(thread_id: string, run_id: string): Promise<number | undefined>;

  /** The numbers that the next events of these threads get; without threads that are gone. */
  abstract ends(thread_ids: readonly string[]): Promise<Map<string, number>>;

  /** Drops the oldest events of a thread until no more than `size` bytes are kept. */
  abstract trim(thread_id: string, size: number): Promise<void>;

  /** Removes what nobody can come back for any more. */
  abstract sweep(retention: LogRetention): Promise<void>;
}

/** An event as it is stored and sent: serialized once for all readers. */
export interface StreamEvent {
  /** Wire name, followed by `|` and the namespace of a subgraph (contract 3.4). */
  event: string;
  /** One line of JSON. */
  json: string;
}

/** Marks the end of a run on the stream of its thread (contract 3.7). The stream of the run does not contain it. */
export const RUN_DONE = 'run_done';

/** An event with its position in a stream. */
export interface NumberedEvent extends StreamEvent {
  /** In the log: its number on the thread, as in `Last-Event-ID`. In a buffer: its number in the run. */
  seq: number;
  /** Null for events of the thread itself. */
  run_id: string | null;
}

/** Where a reader starts. */
export type StreamPosition =
  /** All stored events, then live events. */
  | { from: 'start' }
  /** Events with a greater `seq`, then live events. An unknown number: all stored events (contract 3.5). */
  | { from: 'after'; seq: number }
  /** Only live events. */
  | { from: 'now' };

/**
 * The reading end of a stream. `next` waits for at least one event and returns all that are available. No event is lost
 * or repeated between two calls. Readers are independent of each other.
 */
export interface StreamReader {
  /** Throws {@link StreamMovedError} when the run continues in another process: the client should reconnect. */
  next(): Promise<IteratorResult<NumberedEvent[], undefined>>;
  /** Also ends a pending `next`. */
  return(): void;
}

/** The run continues in another process, and this reader cannot follow it there without a gap. */
export class StreamMovedError extends Error {
  constructor() {
    super('The stream was closed early because the run continues in another process. Reconnect to follow it.');
    this.name = 'StreamMovedError';
  }
}

/** Reports that events from `missing` on have been dropped, so that no reader takes a stream with a gap for a whole one. */
export const gapEvent = (run_id: string | null, missing: number, seq = missing): NumberedEvent => ({
  seq,
  run_id,
  event: 'error',
  json: JSON.stringify({
    error: 'StreamGap',
    message: `Events from ${missing} on are no longer stored: the client was too slow or reconnected too late. Read the thread state instead.`,
  }),
});

/** True for a {@link gapEvent} on the stream of a whole thread. */
export const isThreadGap = ({ run_id, event }: NumberedEvent): boolean => run_id === null && event === 'error';

/** An event as it is kept and sent: serialised once, whoever reads it. */
export interface StreamEvent {
  /** Wire name, with the namespace of a subgraph behind `|` (contract 3.4). */
  event: string;
  /** One line of JSON. */
  json: string;
}

/** Ends a run on its thread's stream (contract 3.7); not part of the run's own. */
export const RUN_DONE = 'run_done';

/** An event with its place in a stream. */
export interface NumberedEvent extends StreamEvent {
  /** In the log: its number on the thread, what `Last-Event-ID` carries. In a buffer: its number in the run. */
  seq: number;
  /** Null for events of the thread itself. */
  run_id: string | null;
}

/** Where a reader begins. */
export type StreamPosition =
  /** Everything kept, then live. */
  | { from: 'start' }
  /** Events with a greater `seq`, then live. A number that was never given out: everything kept (contract 3.5). */
  | { from: 'after'; seq: number }
  /** From now on. */
  | { from: 'now' };

/**
 * The reading end of a stream. `next` gives events that are there, waiting for at least one; nothing is lost or repeated
 * between two calls. Readers are independent of each other.
 */
export interface StreamReader {
  /** Throws {@link StreamBrokenError} when the stream goes on elsewhere: the client shall come back. */
  next(): Promise<IteratorResult<NumberedEvent[], undefined>>;
  /** Ends a pending `next`, too. */
  return(): void;
}

/** The run goes on in another process, and this reader cannot follow it there without a gap. */
export class StreamBrokenError extends Error {
  constructor() {
    super('The stream broke off; the run goes on in another process.');
    this.name = 'StreamBrokenError';
  }
}

/** Events from `missing` on are no longer kept: a reader is told so instead of being given a stream with a hole. */
export const gapEvent = (run_id: string | null, missing: number, seq = missing): NumberedEvent => ({
  seq,
  run_id,
  event: 'error',
  json: JSON.stringify({
    error: 'StreamGap',
    message: `Events from ${missing} on are no longer kept: this reader was too slow or came too late. Read the state.`,
  }),
});

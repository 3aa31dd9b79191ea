/** An event of a run as it is kept and sent: serialised once, whoever reads it. */
export interface StreamEvent {
  /** Position in the run's stream; what `Last-Event-ID` carries. */
  seq: number;
  /** Wire name, with the namespace of a subgraph behind `|` (contract 3.4). */
  event: string;
  /** One line of JSON. */
  json: string;
}

/** Where a reader begins. */
export type StreamPosition =
  /** Everything kept, then live. */
  | { from: 'start' }
  /** Events with a greater `seq`, then live. */
  | { from: 'after'; seq: number }
  /** From the first event when nobody has read this run yet, otherwise from now on (contract 3.5). */
  | { from: 'join' };

export interface StreamOptions {
  run_id: string;
  /** Kept for later readers after the end (`stream_resumable`). */
  resumable: boolean;
}

/** The writing end of one run's stream. */
export interface RunStreamWriter {
  append(event: string, json: string): void;
  /** No more events. The run's final status is in the database before this is called. */
  close(): void;
}

/**
 * The reading end. `next` gives all events that are there, waiting for at least one; nothing is lost or repeated
 * between two calls. Readers are independent of each other.
 */
export interface RunStreamReader {
  next(): Promise<IteratorResult<StreamEvent[], undefined>>;
  return(): void;
}

/** Carries the events of runs from the process that executes them to whoever reads them. */
export abstract class EventStream {
  /** Starts the stream of a run, unless it is there already, be it at its end: nothing that readers have is lost. */
  abstract open(options: StreamOptions): RunStreamWriter;

  /** `undefined` when this run's events are not within reach (any more). */
  abstract read(run_id: string, position: StreamPosition): RunStreamReader | undefined;

  /**
   * The run has ended, but not by a writer of this process: its readers do not wait for ever. With an `error` (JSON of
   * an `error` event) they are told why they did not get everything. Does nothing for a stream that has ended.
   */
  abstract abandon(run_id: string, error?: string): void;

  /** True while somebody reads the run's stream. */
  abstract hasReaders(run_id: string): boolean;
}

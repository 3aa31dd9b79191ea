import type { LogSource, LogWriter } from './log-writer.js';
import { RunBuffer } from './run-buffer.js';
import { RUN_DONE, type StreamEvent } from './stream-event.js';

/** A run that this process is about to execute. */
export interface StreamedRun {
  run_id: string;
  thread_id: string;
  /** Fencing token: events are logged only while the run holds this lease. */
  lease_token: string;
  /** Events have ids, and a client may reconnect for the events that it missed. */
  resumable: boolean;
  /** Where its client was connected at creation; `later`: no client yet, but one may join and read from the first event. */
  reader: 'here' | 'elsewhere' | 'later' | 'nowhere';
}

/** When events are written to the log: `lazy` batches them for a client that may join later. */
export type Logging = 'off' | 'lazy' | 'immediate';

/** Why a stream was closed: its run finished here, ended elsewhere (a cancel), or continues in another process. */
export type Closing = 'finished' | 'ended elsewhere' | 'disconnected';

/**
 * The writing end of one run's stream. Events of a resumable run go to the log first, then to its readers: an id that a
 * client has received stays valid when this process dies. Other runs are read from memory without delay. They are logged
 * only when another process reads them, or may read them later because they have had no reader yet.
 */
export class RunStream {
  readonly buffer?: RunBuffer;
  /** Number of the last event in the log. */
  loggedUpTo = -1;
  closed = false;
  /** The run ends in this process, and all its events have been appended. */
  complete = false;

  constructor(
    readonly run: StreamedRun,
    private readonly log: LogWriter,
    private logging: Logging,
    private readonly onClose: (stream: RunStream, how: Closing) => void,
  ) {
    this.buffer = run.resumable ? undefined : new RunBuffer(run.run_id);
  }

  append(event: string, json: string): void {
    if (this.closed) {
      return;
    }
    this.buffer?.append(event, json);
    if (this.logging !== 'off') {
      this.log.append(this.source, [{ event, json }], this.logging === 'lazy');
    }
  }

  /** A client reads from the log: logs every further event without delay. */
  logFromNow(): void {
    if (!this.closed) {
      this.logging = 'immediate';
    }
  }

  /** A client of another process reads the run from its first event: logs the buffered events too. */
  logAll(): void {
    if (this.closed || this.logging === 'immediate') {
      return;
    }
    if (this.logging === 'off') {
      this.log.append(this.source, this.buffer?.kept() ?? [], false);
    }
    this.logging = 'immediate';
  }

  /** Resolves when other processes can read everything appended so far. */
  async logged(): Promise<void> {
    if (this.logging !== 'off') {
      await this.log.drained(this.run.thread_id);
    }
  }

  /** Like {@link logged}, after the last event. Await it before the lease is released. */
  drained(): Promise<void> {
    this.complete = true;
    return this.logged();
  }

  /** The run has ended here, and its final status is in the database. */
  finish(status: string): void {
    if (this.logging !== 'off' && !this.closed) {
      const done = runDone(this.run.run_id, status);
      this.log.append({ ...this.source, lease_token: null }, [done], this.logging === 'lazy');
    }
    this.close('finished');
  }

  /** Another caller has ended the run and written its end to the log. Readers of this process's memory get `last`. */
  end(last?: StreamEvent): void {
    if (last && !this.closed) {
      this.buffer?.append(last.event, last.json);
    }
    this.close('ended elsewhere');
  }

  /** The run continues in another process, if at all: readers of this process's memory must reconnect. */
  disconnect(): void {
    this.close('disconnected');
  }

  private close(how: Closing): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    if (how === 'disconnected') {
      this.buffer?.disconnect();
    } else {
      this.buffer?.close();
    }
    this.onClose(this, how);
  }

  private get source(): LogSource {
    const { run_id, thread_id, lease_token, resumable } = this.run;
    return { run_id, thread_id, lease_token, resumable };
  }
}

/** The event at the end of a run on its thread's stream (contract 3.7). */
export const runDone = (run_id: string, status: string): StreamEvent => ({
  event: RUN_DONE,
  json: JSON.stringify({ run_id, status }),
});

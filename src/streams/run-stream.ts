import type { LogSource, LogWriter } from './log-writer.js';
import { RunBuffer } from './run-buffer.js';
import { RUN_DONE, type StreamEvent } from './stream-event.js';

/** A run that a process is about to execute. */
export interface StreamedRun {
  run_id: string;
  thread_id: string;
  /** Its events are logged only while this lease is held. */
  lease_token: string;
  /** Events carry ids, and a reader may come back for what it has missed. */
  resumable: boolean;
  /** Nobody reads it yet, but somebody may, from its beginning. */
  background: boolean;
}

/**
 * The writing end of one run's stream. A resumable run is written into the log, and its readers get an event when it is
 * there: an id that was given out stays good when this process dies. Other runs are read from memory, at once; they are
 * logged when somebody in another process reads them, or may do so later because nobody has read them yet.
 */
export class RunStream {
  readonly buffer?: RunBuffer;
  private logging: 'no' | 'lazily' | 'at once';
  /** Number of the last event that is in the log. */
  loggedUpTo = -1;
  closed = false;

  constructor(
    readonly run: StreamedRun,
    private readonly log: LogWriter,
    isFollowed: boolean,
    private readonly onClose: (stream: RunStream) => void,
  ) {
    this.logging = run.resumable || isFollowed ? 'at once' : run.background ? 'lazily' : 'no';
    this.buffer = run.resumable ? undefined : new RunBuffer(run.run_id);
  }

  append(event: string, json: string): void {
    if (this.closed) {
      return;
    }
    this.buffer?.append(event, json);
    if (this.logging !== 'no') {
      this.log.append(this.source, [{ event, json }], this.logging === 'lazily');
    }
  }

  /** Somebody in another process reads the thread, from now on. */
  logFromNow(): void {
    if (!this.closed) {
      this.logging = 'at once';
    }
  }

  /** Somebody in another process reads the run, from its beginning. */
  logAll(): void {
    if (this.closed || this.logging === 'at once') {
      return;
    }
    if (this.logging === 'no') {
      this.log.append(this.source, this.buffer?.kept() ?? [], false);
    }
    this.logging = 'at once';
  }

  /** Resolves when readers in other processes can read everything so far. To be awaited before the lease is given up. */
  async drained(): Promise<void> {
    if (this.logging !== 'no') {
      await this.log.drained(this.run.thread_id);
    }
  }

  /** The run has ended here, and its final status is in the database. */
  finish(status: string): void {
    if (this.logging === 'at once' && !this.closed) {
      this.log.append({ ...this.source, lease_token: null }, [runDone(this.run.run_id, status)], false);
    }
    this.end();
  }

  /** Somebody else has ended the run, and told the readers of the log; those of this process's memory get `last`. */
  end(last?: StreamEvent): void {
    if (!this.closed) {
      if (last) {
        this.buffer?.append(last.event, last.json);
      }
      this.buffer?.close();
      this.close();
    }
  }

  /** The run goes on elsewhere, if at all: readers of this process's memory shall come back. */
  breakOff(): void {
    if (!this.closed) {
      this.buffer?.breakOff();
      this.close();
    }
  }

  private close(): void {
    this.closed = true;
    this.onClose(this);
  }

  private get source(): LogSource {
    const { run_id, thread_id, lease_token, resumable } = this.run;
    return { run_id, thread_id, lease_token, resumable };
  }
}

/** What a thread's stream says at the end of a run (contract 3.7). */
export const runDone = (run_id: string, status: string): StreamEvent => ({
  event: RUN_DONE,
  json: JSON.stringify({ run_id, status }),
});

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
  /** Where its reader was when it was created; `later`: nobody reads it yet, but somebody may, from its beginning. */
  reader: 'here' | 'elsewhere' | 'later' | 'nowhere';
}

/** When events are written into the log: `lazily` a little later, for somebody who may come. */
export type Logging = 'no' | 'lazily' | 'at once';

/** How a stream was closed: by the end of its run here, by somebody else's decision, or because the run left. */
export type Closing = 'finished' | 'ended outside' | 'broken off';

/**
 * The writing end of one run's stream. A resumable run is written into the log, and its readers get an event when it is
 * there: an id that was given out stays good when this process dies. Other runs are read from memory, at once; they are
 * logged when somebody in another process reads them, or may do so later because nobody has read them yet.
 */
export class RunStream {
  readonly buffer?: RunBuffer;
  /** Number of the last event that is in the log. */
  loggedUpTo = -1;
  closed = false;
  /** The run comes to its end here: all events are there. */
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
    if (this.logging !== 'no') {
      this.log.append(this.source, [{ event, json }], this.logging === 'lazily');
    }
  }

  /** Somebody reads the log, from now on. */
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

  /** Resolves when readers in other processes can read everything that there is by now. */
  async logged(): Promise<void> {
    if (this.logging !== 'no') {
      await this.log.drained(this.run.thread_id);
    }
  }

  /** Like {@link logged}, after the last event. To be awaited before the lease is given up. */
  drained(): Promise<void> {
    this.complete = true;
    return this.logged();
  }

  /** The run has ended here, and its final status is in the database. */
  finish(status: string): void {
    if (this.logging !== 'no' && !this.closed) {
      const done = runDone(this.run.run_id, status);
      this.log.append({ ...this.source, lease_token: null }, [done], this.logging === 'lazily');
    }
    this.close('finished');
  }

  /** Somebody else has ended the run, and told the readers of the log; those of this process's memory get `last`. */
  end(last?: StreamEvent): void {
    if (last && !this.closed) {
      this.buffer?.append(last.event, last.json);
    }
    this.close('ended outside');
  }

  /** The run goes on elsewhere, if at all: readers of this process's memory shall come back. */
  breakOff(): void {
    this.close('broken off');
  }

  private close(how: Closing): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    if (how === 'broken off') {
      this.buffer?.breakOff();
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

/** What a thread's stream says at the end of a run (contract 3.7). */
export const runDone = (run_id: string, status: string): StreamEvent => ({
  event: RUN_DONE,
  json: JSON.stringify({ run_id, status }),
});

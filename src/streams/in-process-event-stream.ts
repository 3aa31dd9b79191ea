import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  EventStream,
  type RunStreamReader,
  type RunStreamWriter,
  type StreamOptions,
  type StreamPosition,
} from './event-stream.js';
import { RunLog } from './run-log.js';

/** Milliseconds that the events of a finished run can still be read: resumable, and otherwise. */
const KEEP_RESUMABLE_MS = 10 * 60_000;
const KEEP_MS = 30_000;
/** Most characters that all finished runs together keep. */
const MAX_FINISHED_CHARS = 64 * 1024 * 1024;

/** Streams within one process, in memory. Events do not survive the process. */
@Injectable()
export class InProcessEventStream extends EventStream implements OnApplicationShutdown {
  private readonly logs = new Map<string, RunLog>();
  /** Finished logs in the order of their end, with the timer that forgets each. */
  private readonly finished = new Map<string, NodeJS.Timeout>();
  private finishedChars = 0;

  open({ run_id, resumable }: StreamOptions): RunStreamWriter {
    // A second attempt of the same run goes on in the same stream. One that has ended stays as it is, too: a reader may
    // have looked at the run's status just before.
    const existing = this.logs.get(run_id);
    if (existing) {
      return existing;
    }
    const log = new RunLog(resumable, (closed) => this.retain(run_id, closed));
    this.logs.set(run_id, log);
    return log;
  }

  read(run_id: string, position: StreamPosition): RunStreamReader | undefined {
    return this.logs.get(run_id)?.read(position);
  }

  abandon(run_id: string, error?: string): void {
    const log = this.logs.get(run_id);
    if (!log || log.closed) {
      return;
    }
    if (error !== undefined) {
      log.append('error', error);
    }
    log.close();
  }

  hasReaders(run_id: string): boolean {
    return (this.logs.get(run_id)?.readerCount ?? 0) > 0;
  }

  onApplicationShutdown(): void {
    for (const timer of this.finished.values()) {
      clearTimeout(timer);
    }
  }

  private retain(run_id: string, log: RunLog): void {
    this.finishedChars += log.size;
    const timer = setTimeout(() => this.forget(run_id), log.resumable ? KEEP_RESUMABLE_MS : KEEP_MS);
    this.finished.set(run_id, timer.unref());
    for (const oldest of this.finished.keys()) {
      if (this.finishedChars <= MAX_FINISHED_CHARS) {
        break;
      }
      this.forget(oldest);
    }
  }

  private forget(run_id: string): void {
    clearTimeout(this.finished.get(run_id));
    this.finishedChars -= this.logs.get(run_id)?.size ?? 0;
    this.finished.delete(run_id);
    this.logs.delete(run_id);
  }
}

import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Notifications } from '../database/index.js';
import { type Appended, EventLog, type NewChunk } from './event-log.js';
import { FinishedStreams } from './finished-streams.js';
import { Followers } from './followers.js';
import { LogReader, type LogReaderOptions } from './log-reader.js';
import { LogWriter } from './log-writer.js';
import { RunStream, type StreamedRun } from './run-stream.js';
import type { StreamEvent, StreamPosition, StreamReader } from './stream-event.js';
import { ThreadTail } from './thread-tail.js';

/** Milliseconds between two sweeps of the log. */
const SWEEP_MS = 10_000;

/** A run that somebody wants to read. */
export interface ReadRun {
  run_id: string;
  thread_id: string;
  resumable: boolean;
  /** It has not ended: more events may come. */
  active: boolean;
  /** It has had a reader before, maybe in another process: `join` gives what is new. */
  wasRead: boolean;
}

/** Where the reader of a run begins; `join` is at the first event for the first reader, and otherwise from now on. */
export type RunPosition = StreamPosition | { from: 'join' };

/** A thread that is read in this process. */
interface FollowedThread {
  tail: ThreadTail;
  readers: Set<LogReader>;
}

/**
 * Brings events to their readers: from the memory of this process or from the log, wherever the run is executed, live
 * or later.
 */
@Injectable()
export class EventStream implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger('Streams');
  private readonly writer: LogWriter;
  /** Runs that are executed here, and those that have ended a moment ago. */
  private readonly runs = new Map<string, RunStream>();
  /** The run that is being executed here, by thread. */
  private readonly executing = new Map<string, RunStream>();
  private readonly finished = new FinishedStreams((run_id) => this.runs.delete(run_id));
  private readonly threads = new Map<string, FollowedThread>();
  private readonly runReaders = new Map<string, readonly LogReader[]>();
  /** Runs that somebody here wants to read from their beginning, and that may not be in the log. */
  private readonly wanted = new Set<string>();
  private followers?: Followers;
  private sweeper?: NodeJS.Timeout;

  constructor(
    private readonly log: EventLog,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    this.writer = new LogWriter(log, (chunk, at) => this.onLogged(chunk, at));
  }

  onApplicationBootstrap(): void {
    this.followers = new Followers(
      this.notifications,
      () => this.threads.forEach((thread, thread_id) => this.announce(thread_id, thread)),
      (thread_id) => this.executing.get(thread_id)?.logFromNow(),
    );
    this.notifications.on('run_wanted', (run_id) => this.runs.get(run_id)?.logAll());
    this.notifications.on('thread_events', (thread_id) => this.refresh(thread_id));
    this.notifications.on('thread_deleted', (thread_id) => this.endThread(thread_id));
    this.notifications.onReconnect(() => [...this.threads.keys()].forEach((thread_id) => this.refresh(thread_id)));
    this.sweeper = setInterval(() => void this.sweep(), SWEEP_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeper);
    this.followers?.stop();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.finished.clear();
    await this.writer.stop();
  }

  /** Begins an attempt of a run. Who already waits for a run that is not resumable reads it from memory. */
  open(run: StreamedRun): RunStream {
    this.finished.delete(run.run_id);
    const waiting = run.resumable ? [] : this.readersOf(run.run_id).filter((reader) => reader.isReplaceable);
    waiting.forEach((reader) => this.detach(reader));
    const stream = new RunStream(run, this.writer, this.isFollowed(run.thread_id), (closed) => this.onClosed(closed));
    this.runs.set(run.run_id, stream);
    this.executing.set(run.thread_id, stream);
    waiting.forEach((reader) => reader.replaceBy(stream.buffer!.read({ from: 'start' })));
    return stream;
  }

  /** Reads one run, until its end. */
  readRun(run: ReadRun, position: RunPosition): StreamReader {
    const { thread_id, run_id, active, resumable } = run;
    const buffer = this.runs.get(run_id)?.buffer;
    if (buffer && !buffer.broken) {
      return buffer.read(resolve(position, buffer.wasRead));
    }
    const start = resolve(position, run.wasRead);
    const reader = this.readLog({ thread_id, run_id, position: start }, active && !resumable && start.from === 'start');
    if (!active) {
      reader.end();
    }
    return reader;
  }

  /** Reads everything that happens on a thread; ends when the thread is deleted. */
  readThread(thread_id: string, position: StreamPosition): StreamReader {
    this.executing.get(thread_id)?.logFromNow();
    return this.readLog({ thread_id, position }, false);
  }

  /** Events that no attempt of a run has made. Resolves when every process can read them. */
  async append(thread_id: string, events: StreamEvent[], run_id: string | null = null): Promise<void> {
    this.writer.append({ thread_id, run_id, lease_token: null, resumable: true }, events, false);
    await this.writer.drained(thread_id);
  }

  /** True when somebody reads the thread's events, here or in another process. */
  isFollowed(thread_id: string): boolean {
    return this.threads.has(thread_id) || (this.followers?.has(thread_id) ?? false);
  }

  /** True while somebody reads the run's stream in this process. */
  hasReaders(run_id: string): boolean {
    return (this.runs.get(run_id)?.buffer?.readerCount ?? 0) > 0 || this.readersOf(run_id).length > 0;
  }

  /**
   * The run has ended, maybe elsewhere: its readers get what is there, and then their end. Those who read it from this
   * process's memory are sent away when it had gone on in another one.
   */
  end(run_id: string): void {
    this.runs.get(run_id)?.breakOff();
    this.readersOf(run_id).forEach((reader) => reader.end());
  }

  private readLog(options: LogReaderOptions, isWanted: boolean): LogReader {
    const { thread_id, run_id } = options;
    const thread = this.threads.get(thread_id) ?? { tail: new ThreadTail(thread_id, this.log), readers: new Set() };
    this.threads.set(thread_id, thread);
    const reader = new LogReader(this.log, thread.tail, options, () => this.detach(reader));
    thread.readers.add(reader);
    if (run_id !== undefined) {
      this.runReaders.set(run_id, [...this.readersOf(run_id), reader]);
      if (isWanted) {
        this.wanted.add(run_id);
      }
    }
    this.announce(thread_id, thread);
    return reader;
  }

  private detach(reader: LogReader): void {
    const { thread_id, run_id } = reader.options;
    const thread = this.threads.get(thread_id);
    if (thread?.readers.delete(reader) && thread.readers.size === 0) {
      this.threads.delete(thread_id);
    }
    if (run_id !== undefined) {
      const others = this.readersOf(run_id).filter((other) => other !== reader);
      if (others.length > 0) {
        this.runReaders.set(run_id, others);
      } else {
        this.runReaders.delete(run_id);
        this.wanted.delete(run_id);
      }
    }
  }

  /** First the runs that are wanted from their beginning: whoever hears of a reader of the thread logs what is new. */
  private announce(thread_id: string, { readers }: FollowedThread): void {
    for (const { options } of readers) {
      if (options.run_id !== undefined && this.wanted.has(options.run_id)) {
        this.notifications.tellOthers({ topic: 'run_wanted', id: options.run_id });
      }
    }
    this.followers?.announce(thread_id);
  }

  private onLogged({ thread_id, run_id, events }: NewChunk, at: Appended | undefined): void {
    if (!at) {
      return;
    }
    const stream = run_id === null ? undefined : this.runs.get(run_id);
    if (stream) {
      stream.loggedUpTo = at.seq + events.length - 1;
    }
    const tail = this.threads.get(thread_id)?.tail;
    tail?.add(events.map(({ event, json }, index) => ({ seq: at.seq + index, run_id, event, json })));
    if (this.followers?.has(thread_id)) {
      this.notifications.tellOthers({ topic: 'thread_events', id: thread_id });
    }
    if (at.kept_size > this.config.streams.max_bytes) {
      this.trim(thread_id);
    }
  }

  private onClosed(stream: RunStream): void {
    const { buffer, loggedUpTo } = stream;
    const { run_id, thread_id } = stream.run;
    if (this.executing.get(thread_id) === stream) {
      this.executing.delete(thread_id);
    }
    if (buffer) {
      this.finished.add(run_id, buffer.size);
    } else {
      this.runs.delete(run_id);
    }
    this.readersOf(run_id).forEach((reader) => reader.end(loggedUpTo));
  }

  /** A quarter less than allowed, so that this is not needed again at once. */
  private trim(thread_id: string): void {
    this.log.trim(thread_id, this.config.streams.max_bytes * 0.75).catch((error: unknown) => {
      this.logger.warn(`thread_id=${thread_id} Old events could not be dropped: ${String(error)}`);
    });
  }

  private async sweep(): Promise<void> {
    try {
      await this.log.sweep(this.config.streams);
    } catch (error) {
      this.logger.warn(`Old events could not be removed: ${String(error)}`);
    }
  }

  private refresh(thread_id: string): void {
    const tail = this.threads.get(thread_id)?.tail;
    // A failure is met again by the readers, who wait for the database.
    tail?.refresh().catch(() => tail.wake());
  }

  private endThread(thread_id: string): void {
    this.threads.get(thread_id)?.readers.forEach((reader) => reader.end());
  }

  private readersOf(run_id: string): readonly LogReader[] {
    return this.runReaders.get(run_id) ?? [];
  }
}

function resolve(position: RunPosition, wasRead: boolean): StreamPosition {
  return position.from === 'join' ? { from: wasRead ? 'now' : 'start' } : position;
}

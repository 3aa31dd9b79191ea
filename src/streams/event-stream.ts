import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { DatabaseUnavailableError, Notifications } from '../database/index.js';
import { type Appended, EventLog, type NewChunk } from './event-log.js';
import { FinishedStreams } from './finished-streams.js';
import { Followers } from './followers.js';
import type { LogReader } from './log-reader.js';
import { LogReaders } from './log-readers.js';
import { LogWriter } from './log-writer.js';
import { type Closing, type Logging, RunStream, type StreamedRun } from './run-stream.js';
import type { StreamEvent, StreamPosition, StreamReader } from './stream-event.js';

/** Milliseconds between two sweeps of the log. */
const SWEEP_MS = 10_000;
/** Milliseconds between two looks at the threads that are read, in case a notification was lost. */
const SAFETY_POLL_MS = 5_000;

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

/** Reads a whole thread. */
export interface ThreadReader extends StreamReader {
  /** Number of the event before the next one to be given. */
  readonly after: number;
}

/** Where the reader of a run begins; `join` is at the first event for the first reader, and otherwise from now on. */
export type RunPosition = StreamPosition | { from: 'join' };

/**
 * Brings events to their readers: from the memory of this process or from the log, wherever the run is executed, live
 * or later.
 */
@Injectable()
export class EventStream implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger('Streams');
  private readonly writer: LogWriter;
  private readonly readers: LogReaders;
  /** Runs that are executed here, and those that have ended a moment ago. */
  private readonly runs = new Map<string, RunStream>();
  /** The run that is being executed here, by thread. */
  private readonly executing = new Map<string, RunStream>();
  private readonly finished = new FinishedStreams((run_id) => this.runs.delete(run_id));
  /** Threads of which old events are being dropped. */
  private readonly trimming = new Set<string>();
  private followers?: Followers;
  private timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly log: EventLog,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    this.writer = new LogWriter(log, (chunk, at) => this.onLogged(chunk, at));
    this.readers = new LogReaders(log, (reader) => this.onLeft(reader));
  }

  onApplicationBootstrap(): void {
    this.followers = new Followers(this.notifications, () => this.readers.forEach((reader) => this.announce(reader)));
    this.notifications.on('thread_followed', (thread_id) => this.executing.get(thread_id)?.logFromNow());
    this.notifications.on('run_followed', (run_id) => this.runs.get(run_id)?.logFromNow());
    this.notifications.on('run_wanted', (run_id) => this.runs.get(run_id)?.logAll());
    this.notifications.on('thread_events', (thread_id) => this.refresh(thread_id));
    this.notifications.on('thread_deleted', (thread_id) => this.endThread(thread_id));
    this.notifications.onReconnect(() => void this.lookForMissed());
    this.timers = [
      setInterval(() => void this.lookForMissed(), SAFETY_POLL_MS),
      setInterval(() => void this.sweep(), SWEEP_MS),
    ];
  }

  onModuleDestroy(): void {
    this.timers.forEach((timer) => clearInterval(timer));
    this.followers?.stop();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.finished.clear();
    await this.writer.stop();
  }

  /** Begins an attempt of a run. Who already waits for a run that is not resumable reads it from memory. */
  open(run: StreamedRun): RunStream {
    this.finished.delete(run.run_id);
    const waiting = run.resumable ? [] : this.readers.of(run.run_id).filter((reader) => reader.isReplaceable);
    waiting.forEach((reader) => this.readers.remove(reader));
    const logging = this.loggingOf(run, waiting.length > 0);
    const stream = new RunStream(run, this.writer, logging, (closed, how) => this.onClosed(closed, how));
    this.runs.set(run.run_id, stream);
    this.executing.set(run.thread_id, stream);
    waiting.forEach((reader) => reader.replaceBy(stream.buffer!.read({ from: 'start' })));
    return stream;
  }

  /** Reads one run, until its end. */
  readRun({ run_id, thread_id, active, resumable, wasRead }: ReadRun, position: RunPosition): StreamReader {
    const buffer = this.runs.get(run_id)?.buffer;
    if (buffer && !buffer.broken) {
      return buffer.read(resolve(position, buffer.wasRead));
    }
    const start = resolve(position, wasRead);
    const isAsking = active && !resumable && start.from === 'start';
    const reader = this.readers.add({ thread_id, run_id, position: start, isAsking });
    if (active) {
      this.announce(reader);
    } else {
      reader.end();
    }
    return reader;
  }

  /** Reads everything that happens on a thread from now on, or from further back; ends when the thread is deleted. */
  async readThread(thread_id: string, position: StreamPosition): Promise<ThreadReader> {
    const reader = this.readers.add({ thread_id, position });
    this.executing.get(thread_id)?.logFromNow();
    this.announce(reader);
    try {
      await Promise.all([reader.begin(), this.announced()]);
    } catch (error) {
      reader.return();
      throw error;
    }
    return reader;
  }

  /** Resolves when other processes are being told who reads here: what happens afterwards is logged for them. */
  announced(): Promise<void> {
    return this.notifications.flushed();
  }

  /** Events that no attempt of a run has made. Resolves when every process can read them. */
  async append(thread_id: string, events: StreamEvent[], run_id: string | null = null): Promise<void> {
    this.writer.append({ thread_id, run_id, lease_token: null, resumable: true }, events, false);
    await this.writer.drained(thread_id);
  }

  /** True when somebody reads a whole thread, or a run in the log, here or in another process. */
  isFollowed(id: string): boolean {
    return this.readers.has(id) || (this.followers?.has(id) ?? false);
  }

  /**
   * The run has ended, maybe elsewhere: its readers get what is there, and then their end. Those who read it from this
   * process's memory are sent away when it had gone on in another one.
   */
  end(run_id: string): void {
    const stream = this.runs.get(run_id);
    if (stream && !stream.complete) {
      stream.breakOff();
    }
    this.readers.of(run_id).forEach((reader) => reader.end());
  }

  private loggingOf({ run_id, thread_id, resumable, reader }: StreamedRun, isAwaitedHere: boolean): Logging {
    if (resumable || this.isFollowed(thread_id) || this.isFollowed(run_id)) {
      return 'at once';
    }
    if (reader === 'elsewhere' && !isAwaitedHere) {
      // Its announcement may come late, or never.
      return 'at once';
    }
    return reader === 'later' ? 'lazily' : 'no';
  }

  /** Nobody has to be told of who reads a run that is executed here. */
  private announce({ options: { thread_id, run_id, isAsking } }: LogReader): void {
    if (run_id === undefined) {
      this.notifications.publishToOthers({ topic: 'thread_followed', id: thread_id });
    } else if (this.runs.get(run_id)?.closed ?? true) {
      this.notifications.publishToOthers({ topic: isAsking ? 'run_wanted' : 'run_followed', id: run_id });
    }
  }

  /** A thread's reader may come back: what happens meanwhile is logged for a while, here and elsewhere. */
  private onLeft({ options: { thread_id, run_id } }: LogReader): void {
    if (run_id === undefined) {
      this.notifications.publish({ topic: 'thread_left', id: thread_id });
    }
  }

  private onLogged({ thread_id, run_id, events }: NewChunk, at: Appended | undefined): void {
    if (!at) {
      return;
    }
    const stream = run_id === null ? undefined : this.runs.get(run_id);
    if (stream) {
      stream.loggedUpTo = at.seq + events.length - 1;
    }
    const numbered = events.map(({ event, json }, index) => ({ seq: at.seq + index, run_id, event, json }));
    this.readers.tailOf(thread_id)?.add(numbered);
    if (this.followers?.has(thread_id) || (run_id !== null && this.followers?.has(run_id))) {
      this.notifications.publishToOthers({ topic: 'thread_events', id: thread_id });
    }
    if (at.kept_size > this.config.streams.max_bytes) {
      void this.trim(thread_id);
    }
  }

  private onClosed(stream: RunStream, how: Closing): void {
    const { buffer, loggedUpTo } = stream;
    const { run_id, thread_id } = stream.run;
    if (this.executing.get(thread_id) === stream) {
      this.executing.delete(thread_id);
    }
    // Otherwise another attempt has begun here.
    if (this.runs.get(run_id) === stream) {
      if (buffer && !buffer.broken) {
        this.finished.add(run_id, buffer.size);
      } else {
        this.runs.delete(run_id);
      }
    }
    for (const reader of this.readers.of(run_id)) {
      if (how === 'broken off') {
        this.announce(reader);
      } else {
        // What others have written about the run's end is not known here.
        reader.end(how === 'finished' ? loggedUpTo : undefined);
      }
    }
  }

  /** A quarter less than allowed, so that this is not needed again at once. */
  private async trim(thread_id: string): Promise<void> {
    if (this.trimming.has(thread_id)) {
      return;
    }
    this.trimming.add(thread_id);
    try {
      await this.log.trim(thread_id, this.config.streams.max_bytes * 0.75);
    } catch (error) {
      this.warn(`thread_id=${thread_id} Old events could not be dropped`, error);
    } finally {
      this.trimming.delete(thread_id);
    }
  }

  private async sweep(): Promise<void> {
    try {
      await this.log.sweep(this.config.streams);
    } catch (error) {
      this.warn('Old events could not be removed', error);
    }
  }

  /** What is read here and has changed without a word. */
  private async lookForMissed(): Promise<void> {
    const { thread_ids } = this.readers;
    if (thread_ids.length === 0) {
      return;
    }
    try {
      const ends = await this.log.ends(thread_ids);
      for (const thread_id of thread_ids) {
        const end = ends.get(thread_id);
        if (end === undefined) {
          this.endThread(thread_id);
        } else if (end > (this.readers.tailOf(thread_id)?.end ?? end)) {
          this.refresh(thread_id);
        }
      }
    } catch (error) {
      this.warn('Threads that are read could not be looked at', error);
    }
  }

  /** When it fails, the next look finds what was missed. */
  private refresh(thread_id: string): void {
    const tail = this.readers.tailOf(thread_id);
    tail?.refresh().catch((error: unknown) => this.warn(`thread_id=${thread_id} Events could not be fetched`, error));
  }

  private endThread(thread_id: string): void {
    this.readers.ofThread(thread_id).forEach((reader) => reader.end());
  }

  /** That the database is away is said by others. */
  private warn(message: string, error: unknown): void {
    if (!(error instanceof DatabaseUnavailableError)) {
      this.logger.warn(`${message}: ${String(error)}`);
    }
  }
}

function resolve(position: RunPosition, wasRead: boolean): StreamPosition {
  return position.from === 'join' ? { from: wasRead ? 'now' : 'start' } : position;
}

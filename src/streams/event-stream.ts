import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { PeriodicTask } from '../common/index.js';
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

const SWEEP_INTERVAL_MS = 10_000;
/** How often threads with readers are polled, in case a notification was lost. */
const POLL_INTERVAL_MS = 5_000;

/** A run that a client reads. */
export interface ReadRun {
  run_id: string;
  thread_id: string;
  resumable: boolean;
  /** The run has not ended: more events may follow. */
  active: boolean;
  /** It has had a reader before, possibly in another process: `join` starts with live events. */
  wasRead: boolean;
}

/** Reads a whole thread. */
export interface ThreadReader extends StreamReader {
  /** Number of the event before the next one to be returned. */
  readonly after: number;
}

/** Where the reader of a run starts. `join`: the first reader starts at the first event, later readers with live events. */
export type RunPosition = StreamPosition | { from: 'join' };

/**
 * Delivers events to readers, live or later, from the memory of this process or from the log, whichever process executes
 * the run.
 */
@Injectable()
export class EventStream implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger('Streams');
  private readonly writer: LogWriter;
  private readonly readers: LogReaders;
  /** Runs that this process executes, and those that have just ended. */
  private readonly runs = new Map<string, RunStream>();
  /** The run that this process executes, by thread. */
  private readonly executing = new Map<string, RunStream>();
  private readonly finished = new FinishedStreams((run_id) => this.runs.delete(run_id));
  /** Threads whose oldest events are being dropped. */
  private readonly trimming = new Set<string>();
  private followers?: Followers;
  private readonly tasks = [
    new PeriodicTask({
      name: 'Streams',
      interval_ms: POLL_INTERVAL_MS,
      run: () => this.pollForMissedEvents(),
      failure: 'Polling the event log failed',
    }),
    new PeriodicTask({
      name: 'Streams',
      interval_ms: SWEEP_INTERVAL_MS,
      run: () => this.log.sweep(this.config.streams),
      failure: 'Removing expired events failed',
    }),
  ];

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
    this.notifications.onReconnect(() => void this.pollForMissedEvents());
    this.tasks.forEach((task) => task.start());
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.tasks.map((task) => task.stop()), this.followers?.stop()]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.finished.clear();
    await this.writer.stop();
  }

  /** Opens the stream of a run attempt. Readers that already wait for a non-resumable run now read it from memory. */
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

  /** Reads one run until its end. */
  readRun({ run_id, thread_id, active, resumable, wasRead }: ReadRun, position: RunPosition): StreamReader {
    const buffer = this.runs.get(run_id)?.buffer;
    if (buffer && !buffer.disconnected) {
      return buffer.read(resolve(position, buffer.wasRead));
    }
    const start = resolve(position, wasRead);
    const needsBacklog = active && !resumable && start.from === 'start';
    const reader = this.readers.add({ thread_id, run_id, position: start, needsBacklog, resumable });
    if (active) {
      this.announce(reader);
    } else {
      reader.end();
    }
    return reader;
  }

  /** Reads all events of a thread from a position on. The reader ends when the thread is deleted. */
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

  /** Resolves once the readers of this process are announced: other processes log all later events for them. */
  announced(): Promise<void> {
    return this.notifications.flushed();
  }

  /** Appends events that no run attempt produced. Resolves when every process can read them. */
  async append(thread_id: string, events: StreamEvent[], run_id: string | null = null): Promise<void> {
    this.writer.append({ thread_id, run_id, lease_token: null, resumable: true }, events, false);
    await this.writer.drained(thread_id);
  }

  /** True when a client reads this whole thread, or this run from the log, in any process. */
  isFollowed(id: string): boolean {
    return this.readers.has(id) || (this.followers?.has(id) ?? false);
  }

  /**
   * The run has ended, possibly in another process. Its readers get the remaining events and then end. Readers of this
   * process's memory are disconnected when the run had continued in another process.
   */
  end(run_id: string): void {
    const stream = this.runs.get(run_id);
    if (stream && !stream.complete) {
      stream.disconnect();
    }
    this.readers.of(run_id).forEach((reader) => reader.end());
  }

  private loggingOf({ run_id, thread_id, resumable, reader }: StreamedRun, isAwaitedHere: boolean): Logging {
    if (resumable || this.isFollowed(thread_id) || this.isFollowed(run_id)) {
      return 'immediate';
    }
    if (reader === 'elsewhere' && !isAwaitedHere) {
      // The announcement of the other process may be late or lost.
      return 'immediate';
    }
    return reader === 'later' ? 'lazy' : 'off';
  }

  /** Announces a reader to other processes, unless it reads a run that this process executes. */
  private announce({ options: { thread_id, run_id, needsBacklog } }: LogReader): void {
    if (run_id === undefined) {
      this.notifications.publishToOthers({ topic: 'thread_followed', id: thread_id });
    } else if (this.runs.get(run_id)?.closed ?? true) {
      this.notifications.publishToOthers({ topic: needsBacklog ? 'run_wanted' : 'run_followed', id: run_id });
    }
  }

  /** The reader of a thread may reconnect: for a while, every process keeps logging the thread's events. */
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
    // Otherwise this process has already started another attempt.
    if (this.runs.get(run_id) === stream) {
      if (buffer && !buffer.disconnected) {
        this.finished.add(run_id, buffer.size);
      } else {
        this.runs.delete(run_id);
      }
    }
    for (const reader of this.readers.of(run_id)) {
      if (how === 'disconnected') {
        this.announce(reader);
      } else {
        // Another process wrote the end of the run: its event number is unknown here.
        reader.end(how === 'finished' ? loggedUpTo : undefined);
      }
    }
  }

  /** Trims to a quarter below the limit, so that the next events do not exceed it again at once. */
  private async trim(thread_id: string): Promise<void> {
    if (this.trimming.has(thread_id)) {
      return;
    }
    this.trimming.add(thread_id);
    try {
      await this.log.trim(thread_id, this.config.streams.max_bytes * 0.75);
    } catch (error) {
      this.warn(`thread_id=${thread_id} Trimming the event log failed`, error);
    } finally {
      this.trimming.delete(thread_id);
    }
  }

  /** Finds events and deleted threads whose notification was lost. */
  private async pollForMissedEvents(): Promise<void> {
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
      this.warn('Polling the event log for missed events failed', error);
    }
  }

  /** After a failure the next poll fetches the events. */
  private refresh(thread_id: string): void {
    const tail = this.readers.tailOf(thread_id);
    tail?.refresh().catch((error: unknown) => this.warn(`thread_id=${thread_id} Fetching events failed`, error));
  }

  private endThread(thread_id: string): void {
    this.readers.ofThread(thread_id).forEach((reader) => reader.end());
  }

  /** An unavailable database is logged elsewhere. */
  private warn(message: string, error: unknown): void {
    if (!(error instanceof DatabaseUnavailableError)) {
      this.logger.warn(`${message}: ${String(error)}`);
    }
  }
}

function resolve(position: RunPosition, wasRead: boolean): StreamPosition {
  return position.from === 'join' ? { from: wasRead ? 'now' : 'start' } : position;
}

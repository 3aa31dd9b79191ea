import type { EventLog } from './event-log.js';
import { LogReader, type LogReaderOptions } from './log-reader.js';
import { ThreadTail } from './thread-tail.js';

interface ReadThread {
  tail: ThreadTail;
  readers: Set<LogReader>;
}

/** The log readers of this process. Readers of the same thread share its tail. */
export class LogReaders {
  private readonly threads = new Map<string, ReadThread>();
  /** By the run or whole thread that they read. */
  private readonly followers = new Map<string, Set<LogReader>>();

  /** `onLeft` is called when the last reader of a run or a whole thread is removed. */
  constructor(
    private readonly log: EventLog,
    private readonly onLeft: (reader: LogReader) => void,
  ) {}

  add(options: LogReaderOptions): LogReader {
    const { thread_id } = options;
    const thread = this.threads.get(thread_id) ?? { tail: new ThreadTail(thread_id, this.log), readers: new Set() };
    this.threads.set(thread_id, thread);
    const reader = new LogReader(this.log, thread.tail, options, () => this.remove(reader));
    thread.readers.add(reader);
    const followers = this.followers.get(followedBy(reader)) ?? new Set();
    this.followers.set(followedBy(reader), followers.add(reader));
    return reader;
  }

  remove(reader: LogReader): void {
    const { thread_id } = reader.options;
    const thread = this.threads.get(thread_id);
    if (thread?.readers.delete(reader) && thread.readers.size === 0) {
      this.threads.delete(thread_id);
    }
    const followers = this.followers.get(followedBy(reader));
    if (followers?.delete(reader) && followers.size === 0) {
      this.followers.delete(followedBy(reader));
      this.onLeft(reader);
    }
  }

  /** True when this run or this whole thread has a reader. */
  has(id: string): boolean {
    return this.followers.has(id);
  }

  /** The readers of this run or this whole thread. */
  of(id: string): LogReader[] {
    return [...(this.followers.get(id) ?? [])];
  }

  /** The readers of this thread and of its runs. */
  ofThread(thread_id: string): LogReader[] {
    return [...(this.threads.get(thread_id)?.readers ?? [])];
  }

  tailOf(thread_id: string): ThreadTail | undefined {
    return this.threads.get(thread_id)?.tail;
  }

  /** Threads with readers, including readers of their runs. */
  get thread_ids(): string[] {
    return [...this.threads.keys()];
  }

  forEach(callback: (reader: LogReader) => void): void {
    this.threads.forEach(({ readers }) => readers.forEach(callback));
  }
}

const followedBy = ({ options: { run_id, thread_id } }: LogReader): string => run_id ?? thread_id;

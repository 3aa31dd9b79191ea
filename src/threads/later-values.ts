import { JsonText } from '../common/index.js';

/** The state of a thread, as JSON text. */
interface ThreadValues {
  thread_id: string;
  values: string | null;
}

/** Large states of a list of threads, read in portions and only when they are about to be sent. */
export class LaterValues {
  private readonly loaded = new Map<string, Promise<string>>();
  private next = 0;

  /** `sizes` are in the order in which the values will be read; a portion has `portion` bytes, or one state. */
  constructor(
    private readonly threads: readonly { thread_id: string; size?: number | null }[],
    private readonly portion: number,
    private readonly read: (thread_ids: string[]) => Promise<ThreadValues[]>,
  ) {}

  /** Null for a thread that is gone when it is its turn. */
  of(thread_id: string): JsonText {
    return new JsonText(() => {
      while (!this.loaded.has(thread_id)) {
        this.load(this.takePortion());
      }
      const text = this.loaded.get(thread_id)!;
      this.loaded.delete(thread_id);
      return text;
    });
  }

  private takePortion(): string[] {
    const ids: string[] = [];
    let bytes = 0;
    do {
      const { thread_id, size } = this.threads[this.next++];
      ids.push(thread_id);
      bytes += size ?? 0;
    } while (this.next < this.threads.length && bytes + (this.threads[this.next].size ?? 0) <= this.portion);
    return ids;
  }

  private load(thread_ids: string[]): void {
    const reading = this.read(thread_ids).then((rows) => new Map(rows.map((row) => [row.thread_id, row.values])));
    for (const id of thread_ids) {
      const text = reading.then((values) => values.get(id) ?? 'null');
      // Reported to whoever asks for it; until then nobody may.
      text.catch(() => undefined);
      this.loaded.set(id, text);
    }
  }
}

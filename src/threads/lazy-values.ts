import { JsonText } from '../common/index.js';

/** The state of a thread, as a JSON string. */
interface ThreadValues {
  thread_id: string;
  values: string | null;
}

/** Reads the large states of a list of threads lazily: in portions, just before they are sent. */
export class LazyValues {
  private readonly loaded = new Map<string, Promise<string>>();
  private next = 0;

  /** `threads` are in the order in which the values will be read. A portion has at most `portion` bytes, or one state. */
  constructor(
    private readonly threads: readonly { thread_id: string; size?: number | null }[],
    private readonly portion: number,
    private readonly read: (thread_ids: string[]) => Promise<ThreadValues[]>,
  ) {}

  /** JSON `null` if the thread has been deleted meanwhile. */
  of(thread_id: string): JsonText {
    return new JsonText(() => {
      while (!this.loaded.has(thread_id)) {
        this.load(this.takePortion());
      }
      const json = this.loaded.get(thread_id)!;
      this.loaded.delete(thread_id);
      return json;
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
      const json = reading.then((values) => values.get(id) ?? 'null');
      // The caller that reads the value gets the error. Until then the rejection must not count as unhandled.
      json.catch(() => undefined);
      this.loaded.set(id, json);
    }
  }
}

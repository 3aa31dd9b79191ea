/** Milliseconds that the events of a finished run can still be read from memory. */
const KEEP_MS = 30_000;
/** Most characters that all finished runs together keep. */
const MAX_CHARS = 64 * 1024 * 1024;

/** Decides how long the events of finished runs stay in memory: for a while, and the newest when there are too many. */
export class FinishedStreams {
  /** In the order of their end. */
  private readonly kept = new Map<string, { size: number; timer: NodeJS.Timeout }>();
  private size = 0;

  constructor(private readonly forget: (run_id: string) => void) {}

  add(run_id: string, size: number): void {
    const timer = setTimeout(() => this.drop(run_id), KEEP_MS).unref();
    this.kept.set(run_id, { size, timer });
    this.size += size;
    for (const oldest of this.kept.keys()) {
      if (this.size <= MAX_CHARS) {
        break;
      }
      this.drop(oldest);
    }
  }

  /** The run has begun again. */
  delete(run_id: string): void {
    const entry = this.kept.get(run_id);
    if (entry) {
      clearTimeout(entry.timer);
      this.size -= entry.size;
      this.kept.delete(run_id);
    }
  }

  clear(): void {
    [...this.kept.keys()].forEach((run_id) => this.drop(run_id));
  }

  private drop(run_id: string): void {
    this.delete(run_id);
    this.forget(run_id);
  }
}

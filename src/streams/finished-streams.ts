/** How long the events of a finished run can be read from memory. */
const RETENTION_MS = 30_000;
/** Limit for all finished runs together. */
const MAX_CHARS = 64 * 1024 * 1024;

/** Decides how long the events of finished runs stay in memory: each for a fixed time, and at most a total size. */
export class FinishedStreams {
  /** Oldest first. */
  private readonly kept = new Map<string, { size: number; timer: NodeJS.Timeout }>();
  private size = 0;

  constructor(private readonly forget: (run_id: string) => void) {}

  add(run_id: string, size: number): void {
    const timer = setTimeout(() => this.drop(run_id), RETENTION_MS).unref();
    this.kept.set(run_id, { size, timer });
    this.size += size;
    for (const oldest of this.kept.keys()) {
      if (this.size <= MAX_CHARS) {
        break;
      }
      this.drop(oldest);
    }
  }

  /** Another attempt of the run has started. */
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

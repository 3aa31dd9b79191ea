import { Logger } from '@nestjs/common';
import { type Clock, SYSTEM_CLOCK, type Timer } from './clock.js';

export interface PeriodicTaskOptions {
  /** Context of the log entries, such as `Threads`. */
  name: string;
  interval_ms: number;
  /** One run of the task. An error is logged, and the next interval retries. */
  run: () => unknown;
  /** Beginning of the log entry of an error: `Removing expired threads failed`. */
  failure: string;
  /** Share of the interval, from 0 to 1, by which each run is delayed at random: processes then do not run in step. */
  jitter?: number;
  clock?: Clock;
}

/**
 * Background work at intervals. Runs never overlap: an interval that ends during a run is skipped. The first run is one
 * interval after {@link start}.
 */
export class PeriodicTask {
  private readonly logger: Logger;
  private readonly clock: Clock;
  private timer?: Timer;
  private running?: Promise<void>;
  private isFailing = false;
  private stopped = false;

  constructor(private readonly options: PeriodicTaskOptions) {
    this.logger = new Logger(options.name);
    this.clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** True after {@link stop}: a long run should end early. */
  get isStopped(): boolean {
    return this.stopped;
  }

  start(): this {
    this.schedule();
    return this;
  }

  /** Runs the task now, or joins the current run. Never rejects. */
  runOnce(): Promise<void> {
    this.running ??= this.attempt().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** No run starts from now on. Resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.clock.clearTimeout(this.timer);
    await this.running;
  }

  private schedule(): void {
    const { interval_ms, jitter = 0 } = this.options;
    this.timer = this.clock.setTimeout(
      () => {
        this.schedule();
        void this.runOnce();
      },
      interval_ms * (1 + jitter * Math.random()),
    );
  }

  /** Logs the first of several failures in a row. */
  private async attempt(): Promise<void> {
    try {
      await this.options.run();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) {
        this.logger.warn(`${this.options.failure}, retrying later: ${String(error)}`);
      }
      this.isFailing = true;
    }
  }
}

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { reportFatalError } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { APPLICATION_NAME, type Database, DATABASE } from '../../database/index.js';
import type { HeldLease } from '../queue/renew-leases.js';
import type { LeaseThreadData, LeaseThreadMessage } from './lease-heartbeat.thread.js';

/** Milliseconds before a failed thread is restarted, and consecutive failures that end the process. */
const RESTART_DELAY_MS = 1_000;
const MAX_FAILURES = 5;

/**
 * The heartbeat: renews the leases of this process's runs in a worker thread with its own connection. A graph that
 * computes for minutes blocks the event loop; without the thread its lease would expire and another process would
 * execute the run a second time.
 */
@Injectable()
export class LeaseHeartbeat {
  private readonly logger = new Logger('Leases');
  /** By token, because a process can claim a run again whose earlier lease it has lost but still holds. */
  private readonly held = new Map<string, HeldLease>();
  private thread?: Worker;
  private failures = 0;
  private restart?: NodeJS.Timeout;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Starts the thread. `onLost` is called for each lease that another process has taken over. */
  start(onLost: (lost: HeldLease) => void): void {
    const { lease_ms, heartbeat_ms } = this.config.queue;
    const { uri } = this.database;
    const workerData: LeaseThreadData = { uri, application_name: `${APPLICATION_NAME} leases`, lease_ms, heartbeat_ms };
    const thread = new Worker(new URL('./lease-heartbeat.thread.js', import.meta.url), { workerData });
    thread.on('message', (lost: HeldLease[]) => {
      this.failures = 0;
      lost.forEach(onLost);
    });
    thread.on('error', (error) => this.onFailure(error, onLost));
    this.thread = thread;
    this.held.forEach((hold) => this.post({ hold }));
  }

  /** Restarts the thread, or ends the process: without the thread, all runs would lose their leases again and again. */
  private onFailure(error: unknown, onLost: (lost: HeldLease) => void): void {
    this.thread = undefined;
    this.failures += 1;
    if (this.failures >= MAX_FAILURES) {
      reportFatalError(
        `The lease renewal thread failed ${MAX_FAILURES} times in a row: ${String(error)}. The process ends.`,
      );
      return;
    }
    this.logger.error(`The lease renewal thread failed, restarting it in ${RESTART_DELAY_MS} ms: ${String(error)}`);
    this.restart = setTimeout(() => this.start(onLost), RESTART_DELAY_MS).unref();
  }

  hold({ run_id, lease_token }: HeldLease): void {
    this.held.set(lease_token, { run_id, lease_token });
    this.post({ hold: { run_id, lease_token } });
  }

  drop({ lease_token }: HeldLease): void {
    this.held.delete(lease_token);
    this.post({ drop: lease_token });
  }

  async stop(): Promise<void> {
    clearTimeout(this.restart);
    if (this.thread) {
      const exited = once(this.thread, 'exit');
      this.post({ stop: true });
      await exited;
    }
  }

  private post(message: LeaseThreadMessage): void {
    this.thread?.postMessage(message);
  }
}

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { reportFatalError } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { APPLICATION_NAME, type Database, DATABASE } from '../../database/index.js';
import type { HeldLease } from '../queue/renew-leases.js';
import type { LeaseThreadData, LeaseThreadMessage } from './lease-keeper.thread.js';

/** Milliseconds until the thread is started again after a failure, and failures in a row that end the process. */
const RESTART_MS = 1_000;
const MAX_FAILURES = 5;

/**
 * Renews the leases of this process's runs in a thread with a connection of its own: a graph that computes for minutes
 * blocks the event loop, and must not lose its run to another process that would execute it a second time.
 */
@Injectable()
export class LeaseKeeper {
  private readonly logger = new Logger('Leases');
  /** By token: a run that has come back to the process that had lost it is held twice for a while. */
  private readonly held = new Map<string, HeldLease>();
  private thread?: Worker;
  private failures = 0;
  private restart?: NodeJS.Timeout;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** `onLost` is called with leases that have been taken away. */
  start(onLost: (lost: HeldLease) => void): void {
    const { lease_ms, heartbeat_ms } = this.config.queue;
    const { uri } = this.database;
    const workerData: LeaseThreadData = { uri, application_name: `${APPLICATION_NAME} leases`, lease_ms, heartbeat_ms };
    const thread = new Worker(new URL('./lease-keeper.thread.js', import.meta.url), { workerData });
    thread.on('message', (lost: HeldLease[]) => {
      this.failures = 0;
      lost.forEach(onLost);
    });
    thread.on('error', (error) => this.onFailure(error, onLost));
    this.thread = thread;
    this.held.forEach((hold) => this.tell({ hold }));
  }

  /** Without the thread all runs would be lost to other processes, again and again. */
  private onFailure(error: unknown, onLost: (lost: HeldLease) => void): void {
    this.thread = undefined;
    this.failures += 1;
    if (this.failures >= MAX_FAILURES) {
      reportFatalError(
        `The thread that renews leases failed ${MAX_FAILURES} times: ${String(error)}. The process ends.`,
      );
      return;
    }
    this.logger.error(`The thread that renews leases failed and is started again: ${String(error)}`);
    this.restart = setTimeout(() => this.start(onLost), RESTART_MS).unref();
  }

  hold({ run_id, lease_token }: HeldLease): void {
    this.held.set(lease_token, { run_id, lease_token });
    this.tell({ hold: { run_id, lease_token } });
  }

  drop({ lease_token }: HeldLease): void {
    this.held.delete(lease_token);
    this.tell({ drop: lease_token });
  }

  async stop(): Promise<void> {
    clearTimeout(this.restart);
    if (this.thread) {
      const exited = once(this.thread, 'exit');
      this.tell({ stop: true });
      await exited;
    }
  }

  private tell(message: LeaseThreadMessage): void {
    this.thread?.postMessage(message);
  }
}

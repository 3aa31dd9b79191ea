import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PeriodicTask } from '../../common/index.js';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import type { NewLease } from '../queue/run-inserts.js';
import { QueueSweep } from './queue-sweep.js';
import { callerKey, RunClaimer } from './run-claimer.js';
import { RunExecutor } from './run-executor.js';
import { RunSlots } from './run-slots.js';

/** Milliseconds between polls of the queue without a notification. Polls also find expired leases. */
const POLL_INTERVAL_MS = 5_000;

/** A free slot reserved for a run that is about to be created, with the lease that the run will hold. */
export interface SlotReservation extends NewLease {
  caller_key: string;
}

/**
 * Executes runs in a fixed number of slots. A slot goes to a run that {@link RunClaimer} has claimed, or, through {@link
 * reserve}, to a run that this process creates. A run that waits for its thread takes no slot.
 */
@Injectable()
export class RunWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly polls = new PeriodicTask({
    name: 'Runs',
    interval_ms: POLL_INTERVAL_MS,
    run: () => this.runOnce(),
    failure: 'Polling the run queue failed',
  });

  constructor(
    private readonly slots: RunSlots,
    private readonly claimer: RunClaimer,
    private readonly executor: RunExecutor,
    private readonly sweep: QueueSweep,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.notifications.on('run_pending', () => this.claimer.wake());
    this.notifications.onReconnect(() => this.claimer.wake());
    this.executor.start();
    this.polls.start();
    this.claimer.start((run) => this.execute(run));
  }

  /**
   * Drains the worker: within the grace period, runs stop at their next superstep, and runs without checkpoints may
   * end. The remaining runs are released: other processes, or this one after its restart, resume them from the last
   * checkpoint. `dev` does not wait, so that the developer's restart is fast.
   */
  async onModuleDestroy(): Promise<void> {
    this.claimer.stop();
    void this.polls.stop();
    if (this.config.command !== 'dev') {
      await this.executor.drain(this.config.queue.shutdown_grace_ms);
    }
    await this.executor.releaseAll();
    // Other processes claim the released runs now instead of at their next poll.
    this.announcePending();
    // Last, because runs must keep their leases during the grace period.
    await this.executor.stopLeases();
  }

  /**
   * Reserves a slot for a run that is about to be created. Undefined when all slots are taken, older runs wait for one,
   * or the caller has used up its share.
   */
  reserve(caller_key: string): SlotReservation | undefined {
    return this.claimer.isCaughtUp && this.slots.tryTake(caller_key)
      ? { caller_key, token: randomUUID(), ms: this.config.queue.lease_ms }
      : undefined;
  }

  /** Starts a run that was created with the lease token of its reservation. */
  startReserved(run: ClaimedRun): void {
    this.execute(run);
  }

  /** Releases a reservation whose run was not created. */
  release({ caller_key }: SlotReservation): void {
    this.slots.release(caller_key);
    this.claimer.wake();
  }

  /** Notifies all processes, including this one, that a run may be due. */
  announcePending(): void {
    this.notifications.publish({ topic: 'run_pending', id: '' });
  }

  /** One poll: cleans up, then claims due runs. */
  async runOnce(): Promise<void> {
    await this.sweep.run();
    this.claimer.wake();
  }

  private execute(run: ClaimedRun): void {
    this.executor.execute(run, (more) => {
      this.slots.release(callerKey(run));
      if (more) {
        this.announcePending();
      } else {
        this.claimer.onFreeSlot();
      }
    });
  }
}

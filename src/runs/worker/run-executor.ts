import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { Notifications } from '../../database/index.js';
import { inRun } from '../../observability/index.js';
import type { ClaimedRun } from '../queue/claimed-run.js';
import { WebhookWorker } from '../webhooks/webhook-worker.js';
import { ActiveRun, type StopReason } from './active-run.js';
import { LeaseHeartbeat } from './lease-heartbeat.js';
import { runMetadataOf } from './run-config.js';
import { RunLifecycle } from './run-lifecycle.js';
import { startRunTimeout } from './run-timeout.js';

/**
 * Executes claimed runs: holds their leases, starts the run timeout, and stops them when another process requests it.
 * How a run is executed is in {@link RunLifecycle}.
 */
@Injectable()
export class RunExecutor {
  /**
   * By lease token: this process may claim a run again while an earlier attempt, which lost its lease, is still ending.
   */
  private readonly active = new Map<string, ActiveRun>();
  private readonly executions = new Set<Promise<void>>();

  constructor(
    private readonly lifecycle: RunLifecycle,
    private readonly leases: LeaseHeartbeat,
    private readonly webhooks: WebhookWorker,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  start(): void {
    this.notifications.on('run_cancelled', (run_id) => this.stop(run_id, 'cancelled'));
    this.notifications.on('run_interrupted', (run_id) => this.stop(run_id, 'interrupted'));
    this.notifications.on('run_rolled_back', (run_id) => this.stop(run_id, 'rolled_back'));
    this.notifications.on('thread_deleted', (thread_id) =>
      this.stopWhere(({ run }) => run.thread_id === thread_id, 'lease_lost'),
    );
    if (this.config.queue.slots > 0) {
      this.leases.start(({ lease_token }) => this.active.get(lease_token)?.stop('lease_lost'));
    }
  }

  /** Executes a run to its end, then calls `onEnd`: `more` is true when another run is queued on its thread. */
  execute(run: ClaimedRun, onEnd: (more: boolean) => void): void {
    const active = new ActiveRun(run, runMetadataOf(run));
    this.active.set(run.lease_token, active);
    this.leases.hold(run);
    const clearTimer = startRunTimeout(active, this.config.queue.timeout_ms);
    const { run_id, thread_id } = run;
    const graph_id = String(run.kwargs.config.configurable.graph_id);
    const executed = inRun({ graph_id, run_id, thread_id }, () => this.lifecycle.execute(active));
    const execution = executed.then((more) => {
      clearTimer();
      this.active.delete(run.lease_token);
      this.leases.drop(run);
      this.executions.delete(execution);
      this.webhooks.announce(run.kwargs.webhook);
      onEnd(more);
    });
    this.executions.add(execution);
  }

  /** Drains: within `ms`, runs stop at their next superstep, and runs without checkpoints may end. */
  async drain(ms: number): Promise<void> {
    [...this.active.values()].filter(({ run }) => !run.kwargs.temporary).forEach(({ drain }) => drain.request());
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([Promise.all(this.executions), timeUp]);
    clearTimeout(timer);
  }

  /** Stops and releases the remaining runs. */
  async releaseAll(): Promise<void> {
    this.stopWhere(() => true, 'shutdown');
    await Promise.all(this.executions);
  }

  /** Stops renewing leases. */
  stopLeases(): Promise<void> {
    return this.leases.stop();
  }

  private stop(run_id: string, reason: StopReason): void {
    this.stopWhere((active) => active.run_id === run_id, reason);
  }

  private stopWhere(matches: (active: ActiveRun) => boolean, reason: StopReason): void {
    [...this.active.values()].filter(matches).forEach((active) => active.stop(reason));
  }
}

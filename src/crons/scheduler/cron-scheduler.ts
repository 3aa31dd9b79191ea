import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApiError } from '../../common/index.js';
import { DatabaseUnavailableError, type Queryable } from '../../database/index.js';
import { GraphNotFoundError } from '../../execution/index.js';
import { Metrics } from '../../observability/index.js';
import {
  assertVisible,
  type BatchItem,
  type DecidedRun,
  type Run,
  RunCreationService,
  RunPermissions,
} from '../../runs/index.js';
import { ThreadBusyError } from '../../threads/index.js';
import { type DueCron, DueCrons } from './due-crons.js';
import { lagOf, needsOwnTransaction, nextAfter, runOf } from './firing.js';

/** Interval between two polls. A timer polls earlier when a cron is due before the next one. */
const POLL_INTERVAL_MS = 1_000;
/** Delay before the next poll when due crons were locked by another transaction. */
const LOCKED_RETRY_MS = 50;
/** One transaction fires at most so many crons with a thread, and as many without. */
const BATCH_SIZE = 100;
/** At most so many crons are fired in their own transaction at the same time. */
const MAX_ALONE = 16;

const LAG_HELP = 'Seconds from the due time of a cron until its run is created.';
const LAG_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The user of the cron may create its run. */
interface Ready {
  cron: DueCron;
  run: DecidedRun<BatchItem>;
}

/** The run is created. */
interface Fired {
  cron: DueCron;
  next: Date | null;
  run: Run;
}

/** The run cannot be created. */
interface Refused {
  cron: DueCron;
  error: unknown;
}

interface Decisions {
  ready: Ready[];
  refused: Refused[];
}

/**
 * Creates the runs of due crons, in every process. The run and the next due time of its cron are written in one
 * transaction: each due time fires exactly once, even when processes crash.
 */
@Injectable()
export class CronScheduler implements OnModuleDestroy {
  private readonly logger = new Logger('Crons');
  /** Crons that are being fired in their own transaction, by id. */
  private readonly alone = new Map<string, Promise<void>>();
  private readonly lag: ReturnType<Metrics['histogram']>;
  private polling?: Promise<void>;
  private timer?: NodeJS.Timeout;
  private isFailing = false;
  private stopped = false;

  constructor(
    private readonly due: DueCrons,
    private readonly creation: RunCreationService,
    private readonly permissions: RunPermissions,
    metrics: Metrics,
  ) {
    this.lag = metrics.histogram('nestgraph_cron_lag_seconds', LAG_HELP, LAG_BUCKETS);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.polling;
    await Promise.all(this.alone.values());
  }

  @Interval('crons', POLL_INTERVAL_MS)
  poll(): void {
    if (!this.stopped) {
      this.polling ??= this.runOnce().finally(() => {
        this.polling = undefined;
      });
    }
  }

  /** One poll: fires all due crons, then sets a timer when another one is due before the next poll. */
  async runOnce(): Promise<void> {
    clearTimeout(this.timer);
    try {
      let ms = await this.due.msToNext();
      if (ms !== undefined && ms <= 0) {
        await this.fireAll();
        ms = await this.due.msToNext();
      }
      if (ms !== undefined && ms < POLL_INTERVAL_MS && !this.stopped) {
        this.timer = setTimeout(() => this.poll(), ms > 0 ? Math.ceil(ms) : LOCKED_RETRY_MS);
      }
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) {
        this.logger.warn(`Cannot fire crons; the next poll retries: ${String(error)}`);
      }
      this.isFailing = true;
    }
  }

  private async fireAll(): Promise<void> {
    let isMore = true;
    while (isMore && !this.stopped) {
      isMore = await this.fireBatch();
    }
  }

  /** Fires a batch in one transaction. False when no due crons are left, or when no cron was handled. */
  private async fireBatch(): Promise<boolean> {
    let found: DueCron[] = [];
    let attempted: string | undefined;
    let fired = 0;
    const find = async (): Promise<DueCron[]> => {
      found = await this.due.find(BATCH_SIZE, [...this.alone.keys()]);
      return found.filter((cron) => !needsOwnTransaction(cron));
    };
    try {
      fired = await this.fire(find, (cron_id) => (attempted = cron_id));
    } catch (error) {
      if (error instanceof DatabaseUnavailableError || attempted === undefined) {
        throw error;
      }
    }
    // The cron that was attempted last aborted the transaction. It is fired alone, and the next batch continues without
    // it.
    const isSeparate = (cron: DueCron): boolean =>
      needsOwnTransaction(cron) || (fired === 0 && cron.cron_id === attempted);
    const separate = found.filter(isSeparate).slice(0, Math.max(0, MAX_ALONE - this.alone.size));
    separate.forEach((cron) => this.startAlone(cron));
    return found.length >= BATCH_SIZE && fired + separate.length > 0;
  }

  /**
   * Authorizes the runs of due crons as the users of the crons. Then creates the runs and sets the next due times in
   * one transaction. Gives up crons whose runs were refused. Returns the number of crons that it handled.
   */
  private async fire(
    find: () => Promise<DueCron[]>,
    onAttempt: (cron_id: string) => void = () => undefined,
    beforeCreating: (run: BatchItem) => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    let claimedAt = 0;
    const decide = async (): Promise<Decisions> => {
      const decisions = await this.decideAll(await find());
      for (const { run } of decisions.ready) {
        await beforeCreating(run.body);
      }
      return decisions;
    };
    const { fired, refused } = await this.creation.createWith(decide, async (db, decisions, create) => {
      const { ready, refused } = await this.claim(db, decisions);
      claimedAt = performance.now();
      const fired: Fired[] = [];
      for (const { cron, run } of ready) {
        onAttempt(cron.cron_id);
        const origin = { cron_id: cron.cron_id, user: cron.caller ?? undefined };
        fired.push({ cron, next: nextAfter(cron), run: await create(run, origin) });
      }
      await this.due.reschedule(db, fired);
      return { fired, refused };
    });
    this.recordLag(fired, performance.now() - claimedAt);
    for (const { cron, error } of refused) {
      await this.giveUp(cron, error);
    }
    return fired.length + refused.length;
  }

  /** Decides before anything is written which runs can be created now, and which are refused. */
  private async decideAll(crons: DueCron[]): Promise<Decisions> {
    const refused: Refused[] = [];
    const decisions = crons.map(async (cron): Promise<Ready[]> => {
      try {
        return [await this.decide(cron)];
      } catch (error) {
        refused.push({ cron, error });
        return [];
      }
    });
    return { ready: (await Promise.all(decisions)).flat(), refused };
  }

  /** Throws the error that creating the run would throw. */
  private async decide(cron: DueCron): Promise<Ready> {
    nextAfter(cron);
    const auth = { user: cron.caller ?? undefined };
    const run = await this.permissions.decide(auth, cron.thread_id ?? undefined, runOf(cron));
    assertThreadVisible(cron, run);
    return { cron, run };
  }

  /**
   * In the transaction, keeps the crons that did not change since the decision and whose users still see their threads.
   */
  private async claim(db: Queryable, { ready, refused }: Decisions): Promise<Decisions> {
    const claimed = await this.due.claim(
      db,
      ready.map(({ cron }) => cron),
    );
    const byId = new Map(claimed.map((claim) => [claim.cron_id, claim]));
    const decisions: Decisions = { ready: [], refused: [...refused] };
    for (const { cron, run } of ready) {
      const claim = byId.get(cron.cron_id);
      const current = { ...cron, ...claim };
      // When the thread has become busy in the meantime, the next poll fires the cron alone.
      if (claim && needsOwnTransaction(current) === needsOwnTransaction(cron)) {
        try {
          assertThreadVisible(current, run);
          decisions.ready.push({ cron: current, run });
        } catch (error) {
          decisions.refused.push({ cron, error });
        }
      }
    }
    return decisions;
  }

  private startAlone(cron: DueCron): void {
    const firing = this.fireAlone(cron)
      .catch((error: unknown) =>
        this.logger.warn(`cron_id=${cron.cron_id} could not be fired; the next poll retries: ${String(error)}`),
      )
      .finally(() => {
        this.alone.delete(cron.cron_id);
        this.poll();
      });
    this.alone.set(cron.cron_id, firing);
  }

  /** Fires one cron in its own transaction. When that fails, the due time is skipped or the cron is disabled. */
  private async fireAlone(cron: DueCron): Promise<void> {
    try {
      await this.fire(
        () => this.due.findOne(cron.cron_id),
        undefined,
        // Only after the run was authorized, because this ends another run.
        async (run) => (needsOwnTransaction(cron) ? this.creation.endPreviousRun(run) : undefined),
      );
    } catch (error) {
      await this.giveUp(cron, error);
    }
  }

  /** Bounds retries: skips the due time after a temporary failure, and disables the cron after a permanent one. */
  private async giveUp(cron: DueCron, error: unknown): Promise<void> {
    if (error instanceof DatabaseUnavailableError) {
      throw error;
    }
    if (isPermanent(error)) {
      const reason = reasonOf(cron, error);
      if (await this.due.disable(cron, reason)) {
        this.logger.warn(`cron_id=${cron.cron_id} was disabled: ${reason}`);
      }
      return;
    }
    if (await this.due.skip(cron, nextAfter(cron))) {
      const what = `cron_id=${cron.cron_id} skipped its run for ${cron.next_run_date.toISOString()}`;
      this.logger.warn(`${what}: ${error instanceof ApiError ? error.message : stackOf(error)}`);
    }
  }

  /** Records the lag of runs that were committed `ms` after their crons were claimed. */
  private recordLag(fired: Fired[], ms: number): void {
    for (const { cron, run } of fired) {
      const lag_ms = lagOf(cron, ms);
      this.lag.observe(lag_ms / 1000);
      this.logger.debug(`cron_id=${cron.cron_id} run_id=${run.run_id} lag_ms=${lag_ms}`);
    }
  }
}

/** Throws `ThreadNotFoundError` when the user of a cron may not create runs on its thread. */
function assertThreadVisible({ thread_id, thread_metadata }: DueCron, { visible }: DecidedRun): void {
  if (thread_id) {
    assertVisible(visible, { thread_id, metadata: thread_metadata ?? {} });
  }
}

/**
 * Whether the same error would occur at the next due time. A busy thread may be idle by then; a graph that this process
 * lacks may exist in other processes during a deployment; a failing auth module may recover.
 */
const isPermanent = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  !(error instanceof ThreadBusyError) &&
  !(error instanceof GraphNotFoundError) &&
  !isTemporary(error.status);

const isTemporary = (status: number): boolean => status >= 500 || status === 429;

/** Names the user: to that user, a resource that is hidden and one that is missing produce the same error. */
const reasonOf = ({ caller }: DueCron, { message }: ApiError): string =>
  caller ? `${caller.identity} may no longer create its runs: ${message}` : message;

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

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
import { goesAlone, lagOf, nextAfter, runOf } from './firing.js';

/** Milliseconds between two looks at the table; to what is due before the next one it wakes up in time. */
const LOOK_MS = 1_000;
/** Milliseconds until crons are looked at again that somebody else had locked. */
const LOCKED_MS = 50;
/** Crons that one transaction fires, of those with a thread and of those without. */
const BATCH = 100;
/** Most crons that are being fired alone at the same time. */
const MOST_ALONE = 16;

const LAG_HELP = 'Seconds from the time when a cron is due until its run is created.';
const LAG_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A cron whose caller may create its run now. */
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

interface Sorted {
  ready: Ready[];
  refused: Refused[];
}

/**
 * Creates the runs of crons that are due, in every process. The run, and the time when its cron is due next, are written in
 * one transaction: a due time fires once, whoever dies when.
 */
@Injectable()
export class CronScheduler implements OnModuleDestroy {
  private readonly logger = new Logger('Crons');
  /** Being fired alone, by id. */
  private readonly alone = new Map<string, Promise<void>>();
  private readonly lag: ReturnType<Metrics['histogram']>;
  private looking?: Promise<void>;
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
    await this.looking;
    await Promise.all(this.alone.values());
  }

  @Interval('crons', LOOK_MS)
  look(): void {
    if (!this.stopped) {
      this.looking ??= this.runOnce().finally(() => {
        this.looking = undefined;
      });
    }
  }

  /** Fires all that is due; to what will be within the second it comes back in time. */
  async runOnce(): Promise<void> {
    clearTimeout(this.timer);
    try {
      let ms = await this.due.msToNext();
      if (ms !== undefined && ms <= 0) {
        await this.fireAll();
        ms = await this.due.msToNext();
      }
      if (ms !== undefined && ms < LOOK_MS && !this.stopped) {
        this.timer = setTimeout(() => this.look(), ms > 0 ? Math.ceil(ms) : LOCKED_MS);
      }
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) {
        this.logger.warn(`Crons cannot be fired, trying again until they can: ${String(error)}`);
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

  /** Fires a batch in one transaction; false when that was all, or has come to nothing. */
  private async fireBatch(): Promise<boolean> {
    let found: DueCron[] = [];
    let attempted: string | undefined;
    let fired = 0;
    const find = async (): Promise<DueCron[]> => {
      found = await this.due.find(BATCH, [...this.alone.keys()]);
      return found.filter((cron) => !goesAlone(cron));
    };
    try {
      fired = await this.fire(find, (cron_id) => (attempted = cron_id));
    } catch (error) {
      if (error instanceof DatabaseUnavailableError || attempted === undefined) {
        throw error;
      }
    }
    // Nothing has been fired: one cron has spoilt the transaction for the others, which continue without it.
    const isApart = (cron: DueCron): boolean => goesAlone(cron) || (fired === 0 && cron.cron_id === attempted);
    const apart = found.filter(isApart).slice(0, Math.max(0, MOST_ALONE - this.alone.size));
    apart.forEach((cron) => this.beginAlone(cron));
    return found.length >= BATCH && fired + apart.length > 0;
  }

  /**
   * Decides about the runs of due crons on behalf of their callers; then, in one transaction, creates them and sets when
   * the crons are due next. Those whose runs are refused are given up afterwards. Gives the number of crons it has handled.
   */
  private async fire(
    find: () => Promise<DueCron[]>,
    onAttempt: (cron_id: string) => void = () => undefined,
    beforeCreating: (run: BatchItem) => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    let claimedAt = 0;
    const decide = async (): Promise<Sorted> => {
      const sorted = await this.sort(await find());
      for (const { run } of sorted.ready) {
        await beforeCreating(run.body);
      }
      return sorted;
    };
    const { fired, refused } = await this.creation.createWith(decide, async (db, sorted, create) => {
      const { ready, refused } = await this.claim(db, sorted);
      claimedAt = performance.now();
      const fired: Fired[] = [];
      for (const { cron, run } of ready) {
        onAttempt(cron.cron_id);
        const origin = { cron_id: cron.cron_id, user: cron.caller ?? undefined };
        fired.push({ cron, next: nextAfter(cron), run: await create(run, origin) });
      }
      await this.due.move(db, fired);
      return { fired, refused };
    });
    this.noteLag(fired, performance.now() - claimedAt);
    for (const { cron, error } of refused) {
      await this.giveUp(cron, error);
    }
    return fired.length + refused.length;
  }

  /** Before anything is written: whose runs can be created now, and whose are refused. */
  private async sort(crons: DueCron[]): Promise<Sorted> {
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

  /** Throws what creating the run would. */
  private async decide(cron: DueCron): Promise<Ready> {
    nextAfter(cron);
    const auth = { user: cron.caller ?? undefined };
    const run = await this.permissions.decide(auth, cron.thread_id ?? undefined, runOf(cron));
    assertThreadVisible(cron, run);
    return { cron, run };
  }

  /** In the transaction: those that are still as they were decided about, on threads that their callers still see. */
  private async claim(db: Queryable, { ready, refused }: Sorted): Promise<Sorted> {
    const claimed = await this.due.claim(
      db,
      ready.map(({ cron }) => cron),
    );
    const byId = new Map(claimed.map((claim) => [claim.cron_id, claim]));
    const sorted: Sorted = { ready: [], refused: [...refused] };
    for (const { cron, run } of ready) {
      const claim = byId.get(cron.cron_id);
      const current = { ...cron, ...claim };
      // A thread that has become busy since: the next poll fires the cron alone.
      if (claim && goesAlone(current) === goesAlone(cron)) {
        try {
          assertThreadVisible(current, run);
          sorted.ready.push({ cron: current, run });
        } catch (error) {
          sorted.refused.push({ cron, error });
        }
      }
    }
    return sorted;
  }

  private beginAlone(cron: DueCron): void {
    const firing = this.fireAlone(cron)
      .catch((error: unknown) => this.logger.warn(`cron_id=${cron.cron_id} is tried again: ${String(error)}`))
      .finally(() => {
        this.alone.delete(cron.cron_id);
        this.look();
      });
    this.alone.set(cron.cron_id, firing);
  }

  /** Fires one cron in a transaction of its own. When that cannot be done, its time passes, or it is disabled. */
  private async fireAlone(cron: DueCron): Promise<void> {
    try {
      await this.fire(
        () => this.due.findOne(cron.cron_id),
        undefined,
        // Only for a run that its caller may create: it ends another one.
        async (run) => (goesAlone(cron) ? this.creation.endPreviousRun(run) : undefined),
      );
    } catch (error) {
      await this.giveUp(cron, error);
    }
  }

  /** Nothing is retried for ever: a cron that cannot be fired now lets this time pass, one that never can is disabled. */
  private async giveUp(cron: DueCron, error: unknown): Promise<void> {
    if (error instanceof DatabaseUnavailableError) {
      throw error;
    }
    if (isLasting(error)) {
      const reason = reasonOf(cron, error);
      if (await this.due.disable(cron, reason)) {
        this.logger.warn(`cron_id=${cron.cron_id} is disabled: ${reason}`);
      }
      return;
    }
    if (await this.due.pass(cron, nextAfter(cron))) {
      const what = `cron_id=${cron.cron_id} is not fired for ${cron.next_run_date.toISOString()}`;
      this.logger.warn(`${what}: ${error instanceof ApiError ? error.message : stackOf(error)}`);
    }
  }

  /** How late the runs were there, `ms` after their crons were claimed. */
  private noteLag(fired: Fired[], ms: number): void {
    for (const { cron, run } of fired) {
      const lag_ms = lagOf(cron, ms);
      this.lag.observe(lag_ms / 1000);
      this.logger.debug(`cron_id=${cron.cron_id} run_id=${run.run_id} lag_ms=${lag_ms}`);
    }
  }
}

/** Throws `ThreadNotFoundError` when the caller of a cron may not create runs on its thread. */
function assertThreadVisible({ thread_id, thread_metadata }: DueCron, { visible }: DecidedRun): void {
  if (thread_id) {
    assertVisible(visible, { thread_id, metadata: thread_metadata ?? {} });
  }
}

/**
 * What would be the same the next time. A busy thread may be idle by then, a graph that this process does not have may be
 * in others, which are being replaced, and an auth module that is out of order may be repaired.
 */
const isLasting = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  !(error instanceof ThreadBusyError) &&
  !(error instanceof GraphNotFoundError) &&
  !isTemporary(error.status);

const isTemporary = (status: number): boolean => status >= 500 || status === 429;

/** What is not there for the caller looks the same, whether it is hidden or gone. */
const reasonOf = ({ caller }: DueCron, { message }: ApiError): string =>
  caller ? `${caller.identity} may not create its runs any more: ${message}` : message;

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApiError } from '../../common/index.js';
import { DatabaseUnavailableError, type Queryable } from '../../database/index.js';
import { GraphNotFoundError } from '../../execution/index.js';
import { Metrics } from '../../observability/index.js';
import { type Run, RunCreationService } from '../../runs/index.js';
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

/** A cron whose run can be created, and when it is due after that. */
interface Ready {
  cron: DueCron;
  next: Date | null;
}

/** The run is created. */
interface Fired extends Ready {
  run: Run;
}

/** The run cannot be created. */
interface Refused {
  cron: DueCron;
  error: unknown;
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
    let claimed: DueCron[] = [];
    let attempted: string | undefined;
    let fired = 0;
    try {
      const claim = async (db: Queryable): Promise<DueCron[]> => {
        claimed = await this.due.claim(db, BATCH, [...this.alone.keys()]);
        return claimed.filter((cron) => !goesAlone(cron));
      };
      fired = await this.fire(claim, (cron_id) => (attempted = cron_id));
    } catch (error) {
      if (error instanceof DatabaseUnavailableError || attempted === undefined) {
        throw error;
      }
    }
    // Nothing has been fired: one of them has spoilt it for the others, and is what they go on without.
    const isApart = (cron: DueCron): boolean => goesAlone(cron) || (fired === 0 && cron.cron_id === attempted);
    const apart = claimed.filter(isApart).slice(0, Math.max(0, MOST_ALONE - this.alone.size));
    apart.forEach((cron) => this.beginAlone(cron));
    return claimed.length >= BATCH && fired + apart.length > 0;
  }

  /**
   * In one transaction, creates the runs of the crons that `claim` gives, and sets when they are due next. Those whose runs
   * would be refused are given up afterwards. Gives the number of those that it has dealt with.
   */
  private async fire(
    claim: (db: Queryable) => Promise<DueCron[]>,
    onAttempt: (cron_id: string) => void = () => undefined,
  ): Promise<number> {
    let claimedAt = 0;
    const { fired, refused } = await this.creation.createWith(async (db, create) => {
      const crons = await claim(db);
      claimedAt = performance.now();
      const { ready, refused } = await this.sort(db, crons);
      const fired: Fired[] = [];
      for (const { cron, next } of ready) {
        onAttempt(cron.cron_id);
        fired.push({
          cron,
          next,
          run: await create(runOf(cron), { cron_id: cron.cron_id, user: cron.caller ?? undefined }),
        });
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

  /** Before anything is written: whose runs can be created, and whose would be refused. */
  private async sort(db: Queryable, crons: DueCron[]): Promise<{ ready: Ready[]; refused: Refused[] }> {
    const ready: Ready[] = [];
    const refused: Refused[] = [];
    for (const cron of crons) {
      try {
        const next = nextAfter(cron);
        await this.creation.check(runOf(cron), db);
        ready.push({ cron, next });
      } catch (error) {
        refused.push({ cron, error });
      }
    }
    return { ready, refused };
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
      if (goesAlone(cron)) {
        await this.creation.makeRoom(runOf(cron));
      }
      await this.fire((db) => this.due.claimOne(db, cron.cron_id));
    } catch (error) {
      await this.giveUp(cron, error);
    }
  }

  /** Nothing is tried for ever: what cannot be done now is not done for this time, what never can be not any more. */
  private async giveUp(cron: DueCron, error: unknown): Promise<void> {
    if (error instanceof DatabaseUnavailableError) {
      throw error;
    }
    if (isLasting(error)) {
      if (await this.due.disable(cron, error.message)) {
        this.logger.warn(`cron_id=${cron.cron_id} is disabled: ${error.message}`);
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

/**
 * What would be the same the next time. A busy thread may be idle by then, and a graph that this process does not have
 * may be there in others, which are being replaced.
 */
const isLasting = (error: unknown): error is ApiError =>
  error instanceof ApiError && !(error instanceof ThreadBusyError) && !(error instanceof GraphNotFoundError);

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

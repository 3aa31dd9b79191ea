import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PeriodicTask } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { type Queryable, Sql } from '../database/index.js';
import { DELETE_OLD_CHECKPOINTS } from '../execution/index.js';
import type { PruneStrategy } from './thread.entity.js';
import { ThreadsService } from './threads.service.js';

/** A thread whose TTL may have expired. */
interface Candidate {
  thread_id: string;
  ttl_strategy: PruneStrategy;
  /** The thread had no activity for its TTL. */
  is_due: boolean;
}

/** SKIP LOCKED: processes that sweep at the same time share the work, and do not wait for threads in use. */
const FIND_CANDIDATES = `
  SELECT thread_id, ttl_strategy,
         newest_run_id IS NULL AND updated_at + ttl_minutes * interval '1 minute' < clock_timestamp() AS is_due
  FROM threads WHERE expires_at < clock_timestamp() AND ttl_minutes IS NOT NULL
  ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED`;

/** Sets the next expiry. The TTL of busy and just pruned threads starts again. */
const RESCHEDULE = `
  UPDATE threads SET expires_at = ttl_minutes * interval '1 minute' +
    CASE WHEN newest_run_id IS NULL AND thread_id <> ALL($2::uuid[]) THEN updated_at ELSE clock_timestamp() END
  WHERE thread_id = ANY($1::uuid[])`;

/** Deletes or prunes threads without activity for their TTL. All processes share this work. */
@Injectable()
export class ThreadTtlService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeps: PeriodicTask;

  constructor(
    private readonly threads: ThreadsService,
    private readonly sql: Sql,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    this.sweeps = new PeriodicTask({
      name: 'Threads',
      interval_ms: config.thread_ttl.sweep_interval_ms,
      run: () => this.sweep(),
      failure: 'Removing expired threads failed',
    });
  }

  onApplicationBootstrap(): void {
    this.sweeps.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeps.stop();
  }

  /** Sweeps batch by batch until no expired thread is left. */
  private async sweep(): Promise<void> {
    const { sweep_limit } = this.config.thread_ttl;
    let found = sweep_limit;
    while (!this.sweeps.isStopped && found === sweep_limit) {
      found = await this.sweepOnce(sweep_limit);
    }
  }

  private async sweepOnce(limit: number): Promise<number> {
    const { found, deleted } = await this.sql.transaction(async (db) => {
      const { rows } = await db.query<Candidate>(FIND_CANDIDATES, [limit]);
      return { found: rows.length, deleted: rows.length > 0 ? await this.expire(db, rows) : [] };
    });
    this.threads.announceDeleted(deleted);
    return found;
  }

  /** Returns the ids of deleted threads. */
  private async expire(db: Queryable, candidates: Candidate[]): Promise<string[]> {
    const due = candidates.filter(({ is_due }) => is_due);
    const deleted = idsOf(due.filter(({ ttl_strategy }) => ttl_strategy === 'delete'));
    const pruned = idsOf(due.filter(({ ttl_strategy }) => ttl_strategy === 'keep_latest'));
    await this.threads.deleteAll(db, deleted);
    await db.query(DELETE_OLD_CHECKPOINTS, [pruned]);
    await db.query(RESCHEDULE, [idsOf(candidates), pruned]);
    return deleted;
  }
}

const idsOf = (candidates: Candidate[]): string[] => candidates.map(({ thread_id }) => thread_id);

import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager } from 'typeorm';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { DELETE_OLD_CHECKPOINTS } from '../execution/index.js';
import type { PruneStrategy } from './thread.entity.js';
import { ThreadsService } from './threads.service.js';

/** A thread whose time may have come. */
interface Candidate {
  thread_id: string;
  ttl_strategy: PruneStrategy;
  /** Nothing has happened on it for its ttl. */
  is_due: boolean;
}

/** SKIP LOCKED: two processes that sweep at the same time share the work; a thread that is being used is not waited for. */
const FIND_CANDIDATES = `
  SELECT thread_id, ttl_strategy,
         newest_run_id IS NULL AND updated_at + ttl_minutes * interval '1 minute' < clock_timestamp() AS is_due
  FROM threads WHERE expires_at < clock_timestamp() AND ttl_minutes IS NOT NULL
  ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED`;

/** To the moment in which they are due; those that are busy, or have just been pruned, get their whole time again. */
const LOOK_AGAIN = `
  UPDATE threads SET expires_at = ttl_minutes * interval '1 minute' +
    CASE WHEN newest_run_id IS NULL AND thread_id <> ALL($2::uuid[]) THEN updated_at ELSE clock_timestamp() END
  WHERE thread_id = ANY($1::uuid[])`;

/** Removes or prunes threads on which nothing has happened for as long as their ttl says. Every process does its part. */
@Injectable()
export class ThreadTtlService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Threads');
  private timer?: NodeJS.Timeout;
  private sweeping?: Promise<void>;
  private stopped = false;

  constructor(
    private readonly threads: ThreadsService,
    @InjectDataSource() private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep().finally(() => {
        this.sweeping = undefined;
      });
    }, this.config.thread_ttl.sweep_interval_ms);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** In batches, until nothing is left. */
  private async sweep(): Promise<void> {
    const { sweep_limit } = this.config.thread_ttl;
    try {
      let found = sweep_limit;
      while (!this.stopped && found === sweep_limit) {
        found = await this.sweepOnce(sweep_limit);
      }
    } catch (error) {
      this.logger.warn(`Expired threads could not be removed, trying again later: ${String(error)}`);
    }
  }

  private async sweepOnce(limit: number): Promise<number> {
    const { found, deleted } = await this.dataSource.transaction(async (manager) => {
      const found = await manager.query<Candidate[]>(FIND_CANDIDATES, [limit]);
      return { found: found.length, deleted: found.length > 0 ? await this.treat(manager, found) : [] };
    });
    this.threads.announceDeleted(deleted);
    return found;
  }

  /** Gives those that were deleted. */
  private async treat(manager: EntityManager, candidates: Candidate[]): Promise<string[]> {
    const due = candidates.filter(({ is_due }) => is_due);
    const deleted = idsOf(due.filter(({ ttl_strategy }) => ttl_strategy === 'delete'));
    const pruned = idsOf(due.filter(({ ttl_strategy }) => ttl_strategy === 'keep_latest'));
    await this.threads.deleteAll(manager, deleted);
    await manager.query(DELETE_OLD_CHECKPOINTS, [pruned]);
    await manager.query(LOOK_AGAIN, [idsOf(candidates), pruned]);
    return deleted;
  }
}

const idsOf = (candidates: Candidate[]): string[] => candidates.map(({ thread_id }) => thread_id);

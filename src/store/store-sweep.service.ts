import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Sql } from '../database/index.js';
import { SemanticIndex } from './semantic-index.js';

/** Items that one statement removes. */
const BATCH = 1_000;

/**
 * SKIP LOCKED: two processes that sweep at the same time share the work, and an item that is being put again is not waited
 * for. One whose time has begun again meanwhile stays.
 */
const SWEEP = `
  WITH expired AS (
    SELECT item_id FROM store_items WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM store_items WHERE item_id IN (SELECT item_id FROM expired) AND expires_at <= now() RETURNING 1
  ) SELECT count(*)::int AS count FROM gone`;

/** Removes items whose time has come, which nobody sees any more, and lets the index do the same. Every process does its part. */
@Injectable()
export class StoreSweepService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Store');
  private timer?: NodeJS.Timeout;
  private sweeping?: Promise<void>;
  private stopped = false;

  constructor(
    private readonly sql: Sql,
    private readonly semantic: SemanticIndex,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep().finally(() => {
        this.sweeping = undefined;
      });
    }, this.config.store.ttl.sweep_interval_ms);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** In batches, until nothing is left. */
  private async sweep(): Promise<void> {
    try {
      for (let removed = BATCH; !this.stopped && removed === BATCH;) {
        removed = await this.sweepOnce(BATCH);
      }
      await this.semantic.vectors?.tend();
    } catch (error) {
      this.logger.warn(
        `Expired items could not be removed, or vectors not be indexed; trying again later: ${String(error)}`,
      );
    }
  }

  /** Gives how many were removed, at most `limit`. */
  async sweepOnce(limit: number): Promise<number> {
    const { rows } = await this.sql.query<{ count: number }>(SWEEP, [limit]);
    return rows[0].count;
  }
}

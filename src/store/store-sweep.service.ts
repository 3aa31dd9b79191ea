import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PeriodicTask } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { Sql } from '../database/index.js';
import { SemanticIndex } from './semantic-index.js';

/** One statement deletes at most so many items. */
const BATCH = 1_000;

/**
 * SKIP LOCKED: two processes that sweep at the same time share the work, and the sweep does not wait for an item that
 * is being put again. An item whose time to live was restarted in the meantime is kept.
 */
const SWEEP = `
  WITH expired AS (
    SELECT item_id FROM store_items WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM store_items WHERE item_id IN (SELECT item_id FROM expired) AND expires_at <= now() RETURNING 1
  ) SELECT count(*)::int AS count FROM gone`;

/**
 * Periodically deletes expired items, which reads already ignore, and maintains the vector index. Runs in every
 * process.
 */
@Injectable()
export class StoreSweepService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeps: PeriodicTask;

  constructor(
    private readonly sql: Sql,
    private readonly semantic: SemanticIndex,
    @Inject(CONFIG) config: NestgraphConfig,
  ) {
    this.sweeps = new PeriodicTask({
      name: 'Store',
      interval_ms: config.store.ttl.sweep_interval_ms,
      run: () => this.sweep(),
      failure: 'Cannot delete expired store items or maintain the vector index',
    });
  }

  onApplicationBootstrap(): void {
    this.sweeps.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeps.stop();
  }

  /** Deletes expired items in batches until none are left. */
  private async sweep(): Promise<void> {
    for (let removed = BATCH; !this.sweeps.isStopped && removed === BATCH;) {
      removed = await this.sweepOnce(BATCH);
    }
    await this.semantic.vectors?.maintain();
  }

  /** Deletes at most `limit` expired items and returns their number. */
  async sweepOnce(limit: number): Promise<number> {
    const { rows } = await this.sql.query<{ count: number }>(SWEEP, [limit]);
    return rows[0].count;
  }
}

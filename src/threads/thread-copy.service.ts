import { Injectable } from '@nestjs/common';
import { type JsonObject, newId, toJsonb } from '../common/index.js';
import { Sql } from '../database/index.js';
import { copyCheckpoints } from '../execution/index.js';
import type { Thread } from './dto/thread.dto.js';
import type { ThreadStatus } from './thread.entity.js';
import { ThreadStateService } from './thread-state.service.js';
import { copyStatusSql } from './thread-status.js';
import { ThreadNotFoundError } from './threads.errors.js';
import { ThreadsService } from './threads.service.js';

/**
 * Copies thread $1 without its runs to the id $2 and merges the metadata $3. One statement, so that the row and the
 * checkpoints come from the same snapshot.
 */
const COPY_THREAD = `
  WITH source AS MATERIALIZED (
    SELECT * FROM threads WHERE thread_id = $1::uuid AND NOT hidden
  ), ${copyCheckpoints('EXISTS (SELECT FROM source)')}, copy AS (
    INSERT INTO threads (thread_id, status, metadata, config, values, interrupts, error, state_updated_at,
                         ttl_minutes, ttl_strategy, expires_at)
    SELECT $2::uuid, ${copyStatusSql('source')},
           metadata || $3::jsonb || jsonb_build_object('thread_id', $2::text), config, values, interrupts, error, state_updated_at,
           ttl_minutes, ttl_strategy, clock_timestamp() + ttl_minutes * interval '1 minute'
    FROM source
  ) SELECT status FROM source`;

/** Copies threads. */
@Injectable()
export class ThreadCopyService {
  constructor(
    private readonly sql: Sql,
    private readonly threads: ThreadsService,
    private readonly threadState: ThreadStateService,
  ) {}

  /**
   * Creates an independent thread with the same state and history, without runs. The copy of a busy thread has the state
   * that its run has reached. `metadata` is merged into the copy's metadata. Throws {@link ThreadNotFoundError}.
   */
  async copy(thread_id: string, copy_id = newId(), metadata: JsonObject = {}): Promise<Thread> {
    const { rows } = await this.sql.query<{ status: ThreadStatus }>(COPY_THREAD, [
      thread_id,
      copy_id,
      toJsonb(metadata),
    ]);
    if (rows.length === 0) {
      throw new ThreadNotFoundError(thread_id);
    }
    if (rows[0].status === 'busy') {
      await this.threadState.refresh(copy_id, {});
    }
    return this.threads.get(copy_id);
  }
}

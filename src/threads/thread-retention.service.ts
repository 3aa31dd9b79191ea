import { Injectable } from '@nestjs/common';
import { DELETE_OLD_CHECKPOINTS, STORAGE } from '../execution/index.js';
import { type Queryable, Sql } from '../database/index.js';
import type { ThreadPruneRequest, ThreadPruneResult, ThreadStorage } from './dto/thread-storage.dto.js';
import { ThreadNotFoundError } from './threads.errors.js';
import { ThreadsService } from './threads.service.js';

/** Reports the storage of threads and prunes them. */
@Injectable()
export class ThreadRetentionService {
  constructor(
    private readonly threads: ThreadsService,
    private readonly sql: Sql,
  ) {}

  /** Counts and bytes of a thread's checkpoints. Throws {@link ThreadNotFoundError}. */
  async storageOf(thread_id: string): Promise<ThreadStorage> {
    await this.threads.assertExists(thread_id);
    const {
      rows: [found],
    } = await this.sql.query<Omit<ThreadStorage, 'thread_id' | 'total_bytes'>>(STORAGE, [thread_id]);
    const { checkpoints, channel_values, pending_writes } = found;
    const total_bytes = checkpoints.bytes + channel_values.bytes + pending_writes.bytes;
    return { thread_id, total_bytes, checkpoints, channel_values, pending_writes };
  }

  /**
   * Deletes threads, or all but their newest checkpoints, in one transaction. With `keep_latest`, threads with an active
   * run are skipped and not counted. Throws {@link ThreadNotFoundError} for the first missing thread.
   */
  async prune({ thread_ids, strategy = 'delete' }: ThreadPruneRequest): Promise<ThreadPruneResult> {
    const requested = [...new Set(thread_ids)].sort();
    const pruned = await this.sql.transaction(async (db) => {
      const idle = await lockAll(db, requested);
      if (strategy === 'delete') {
        await this.threads.deleteAll(db, requested);
        return requested;
      }
      await db.query(DELETE_OLD_CHECKPOINTS, [idle]);
      return idle;
    });
    if (strategy === 'delete') {
      this.threads.announceDeleted(pruned);
    }
    return { pruned_count: pruned.length };
  }
}

/** Locks the threads in a fixed order, so that two callers cannot deadlock. Returns those without an active run. */
async function lockAll(db: Queryable, thread_ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ thread_id: string; newest_run_id: string | null }>(
    `SELECT thread_id, newest_run_id FROM threads WHERE thread_id = ANY($1::uuid[]) AND NOT hidden
     ORDER BY thread_id FOR UPDATE`,
    [thread_ids],
  );
  const found = new Set(rows.map(({ thread_id }) => thread_id));
  const missing = thread_ids.find((thread_id) => !found.has(thread_id));
  if (missing !== undefined) {
    throw new ThreadNotFoundError(missing);
  }
  return rows.filter(({ newest_run_id }) => newest_run_id === null).map(({ thread_id }) => thread_id);
}

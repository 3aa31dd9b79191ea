import { Injectable } from '@nestjs/common';
import { type Queryable, retryWhileUnavailable, Sql } from '../../database/index.js';
import { type InsertedRun, RunInserts } from '../queue/run-inserts.js';

/**
 * Milliseconds for which an insert is retried while the database is unavailable: enough for a broken connection, not
 * for an outage.
 */
const RETRY_TIMEOUT_MS = 2_000;

/** One attempt to insert. `isRetry`: the COMMIT outcome of an earlier attempt is unknown. */
export type InsertAttempt<T> = (isRetry: boolean) => Promise<T>;

/**
 * Idempotent creation: a run is inserted once, although its insert is retried while the database is unavailable. Its ids
 * are fixed before the first attempt, so a retry finds the run that an earlier attempt has committed.
 */
@Injectable()
export class IdempotentInsert {
  constructor(
    private readonly sql: Sql,
    private readonly inserts: RunInserts,
  ) {}

  /** Retries until the insert succeeds or fails permanently, or the client has disconnected. */
  retry<T>(insert: InsertAttempt<T>, isAbandoned: () => boolean): Promise<T> {
    return retryWhileUnavailable(RETRY_TIMEOUT_MS, insert, isAbandoned);
  }

  /**
   * Makes a single statement idempotent. `insert` inserts nothing when the thread or the assistant has changed, also by
   * an earlier attempt: it waits for the row that such an attempt still locks.
   */
  async statement(
    run_id: string,
    isRetry: boolean,
    insert: () => Promise<InsertedRun | undefined>,
  ): Promise<InsertedRun | undefined> {
    return (await insert()) ?? (isRetry ? this.inserts.findInserted(this.sql, run_id) : undefined);
  }

  /** Makes a transaction idempotent. `lock` waits for a COMMIT that is still in progress. */
  transaction<T>(
    run_id: string,
    lock: (db: Queryable) => Promise<unknown>,
    insert: (db: Queryable) => Promise<T>,
  ): InsertAttempt<T> {
    let last: T | undefined;
    return (isRetry) =>
      this.sql.transaction(async (db) => {
        if (isRetry && last !== undefined) {
          await lock(db);
          if (await this.inserts.findInserted(db, run_id)) {
            return last;
          }
        }
        last = await insert(db);
        return last;
      });
  }
}

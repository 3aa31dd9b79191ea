import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['checkpoints', 'checkpoint_blobs', 'checkpoint_writes'];

const UUID = `'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'`;

/**
 * The official savers may have threads of their own in these tables. Ours have a row in `threads`; of deleted ones, the
 * checkpoints of runs say which attempt wrote them.
 */
const STATEMENTS = [
  `CREATE TEMPORARY TABLE respelled_threads ON COMMIT DROP AS
     SELECT found.thread_id, lower(found.thread_id) AS canonical,
            EXISTS (SELECT FROM threads WHERE threads.thread_id = found.thread_id::uuid) AS is_kept
     FROM (${TABLES.map((table) => `SELECT thread_id FROM ${table} WHERE thread_id <> lower(thread_id)`).join(' UNION ')}) found
     WHERE found.thread_id ~ ${UUID}`,
  `DELETE FROM respelled_threads r WHERE NOT is_kept AND NOT EXISTS (
     SELECT FROM checkpoints c WHERE c.thread_id = r.thread_id AND c.metadata ? 'run_attempt')`,
  `UPDATE checkpoints SET metadata = jsonb_set(metadata, '{thread_id}', to_jsonb(canonical))
     FROM respelled_threads r WHERE checkpoints.thread_id = r.thread_id AND is_kept AND metadata ? 'thread_id'`,
  // A thread that was written to in both spellings gets one history: ids of checkpoints and versions of values are unique.
  ...TABLES.flatMap((table) => [
    `UPDATE ${table} SET thread_id = canonical
       FROM respelled_threads r WHERE ${table}.thread_id = r.thread_id AND is_kept`,
    `DELETE FROM ${table} USING respelled_threads r WHERE ${table}.thread_id = r.thread_id`,
  ]),
];

/** Threads that clients named in upper case have their checkpoints under the id that all requests use from now on. */
export class CanonicalIds1764510000000 implements MigrationInterface {
  name = 'CanonicalIds1764510000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

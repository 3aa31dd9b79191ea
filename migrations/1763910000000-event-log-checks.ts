import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE FUNCTION may_add_thread_events(thread uuid, run uuid, token uuid) RETURNS boolean
     LANGUAGE plpgsql VOLATILE AS $$
     BEGIN
       IF token IS NULL THEN
         RETURN EXISTS (SELECT FROM threads WHERE thread_id = thread);
       END IF;
       RETURN EXISTS (SELECT FROM runs WHERE run_id = run AND lease_token = token);
     END $$`,
  `COMMENT ON FUNCTION may_add_thread_events IS
     'For writers of the event log that hold the lock on a thread''s numbers. A volatile function sees what was committed
      while the lock was waited for; the statement that calls it does not.'`,

  `CREATE FUNCTION has_thread_events(thread uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
     BEGIN
       RETURN EXISTS (SELECT FROM thread_events WHERE thread_id = thread);
     END $$`,
  `COMMENT ON FUNCTION has_thread_events IS
     'False, although the thread''s numbers say otherwise, after a crash of the database. Volatile for the same reason.'`,
];

/** Checks that writers of the event log make under the lock. */
export class EventLogChecks1763910000000 implements MigrationInterface {
  name = 'EventLogChecks1763910000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

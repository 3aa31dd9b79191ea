import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE SEQUENCE event_log_epoch_numbers MINVALUE 0`,
  `CREATE UNLOGGED TABLE event_log_epochs (
     is_current boolean PRIMARY KEY DEFAULT true CHECK (is_current),
     epoch      bigint NOT NULL DEFAULT nextval('event_log_epoch_numbers'),
     started_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `COMMENT ON TABLE event_log_epochs IS
     'One row: the time since the events were lost with a crash of the database. Unlogged as they are, so the crash takes
      it along, and the next writer begins a new epoch.'`,
  `INSERT INTO event_log_epochs DEFAULT VALUES`,
  `ALTER TABLE thread_streams ADD COLUMN epoch bigint NOT NULL DEFAULT 0`,
  `COMMENT ON COLUMN thread_streams.epoch IS
     'The epoch of the last number. In a later one numbers jump, because those given just before a crash may be lost.'`,

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
];

/** Numbers that are never given twice, and a check that writers of the event log make under the lock. */
export class EventLogEpochs1763910000000 implements MigrationInterface {
  name = 'EventLogEpochs1763910000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE TABLE crons (
     cron_id          uuid PRIMARY KEY,
     assistant_id     uuid NOT NULL,
     thread_id        uuid REFERENCES threads ON DELETE CASCADE,
     schedule         text NOT NULL,
     timezone         text,
     end_time         timestamptz,
     enabled          boolean NOT NULL DEFAULT true,
     disabled_reason  text,
     on_run_completed text CHECK (on_run_completed IN ('delete', 'keep')),
     payload          json NOT NULL,
     metadata         jsonb NOT NULL DEFAULT '{}',
     user_id          text,
     next_run_date    timestamptz CHECK (next_run_date IS NULL OR enabled),
     created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
     updated_at       timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `COMMENT ON TABLE crons IS 'Schedules by which runs are created.'`,
  `COMMENT ON COLUMN crons.assistant_id IS
     'No foreign key: deleting an assistant and firing its crons would wait for each other. The next firing finds it gone.'`,
  `COMMENT ON COLUMN crons.thread_id IS 'Null when each run gets a thread of its own.'`,
  `COMMENT ON COLUMN crons.disabled_reason IS 'Why the server has disabled it; null when it has not.'`,
  `COMMENT ON COLUMN crons.payload IS 'The request of its runs. json, not jsonb: input is stored unchanged.'`,
  `COMMENT ON COLUMN crons.next_run_date IS
     'When it is due; null when it is disabled or has no time left. Moved in the transaction that creates the run.'`,

  `CREATE INDEX crons_due ON crons (next_run_date, cron_id) WHERE next_run_date IS NOT NULL`,
  `COMMENT ON INDEX crons_due IS 'Claiming due crons in order; finding out when the next one is due.'`,
  `CREATE INDEX crons_created_at ON crons (created_at DESC, cron_id DESC)`,
  `COMMENT ON INDEX crons_created_at IS 'Search in its default order.'`,
  `CREATE INDEX crons_updated_at ON crons (updated_at DESC, cron_id DESC)`,
  `COMMENT ON INDEX crons_updated_at IS 'Search sorted by updated_at.'`,
  `CREATE INDEX crons_next_run_date ON crons (next_run_date DESC NULLS LAST, cron_id DESC)`,
  `COMMENT ON INDEX crons_next_run_date IS 'Search sorted by next_run_date.'`,
  `CREATE INDEX crons_end_time ON crons (end_time DESC NULLS LAST, cron_id DESC)`,
  `COMMENT ON INDEX crons_end_time IS 'Search sorted by end_time.'`,
  `CREATE INDEX crons_assistant ON crons (assistant_id DESC, cron_id DESC)`,
  `COMMENT ON INDEX crons_assistant IS 'Search and count by assistant_id; search sorted by it.'`,
  `CREATE INDEX crons_thread ON crons (thread_id DESC NULLS LAST, cron_id DESC)`,
  `COMMENT ON INDEX crons_thread IS 'Search and count by thread_id; search sorted by it; deleting a thread.'`,
  `CREATE INDEX crons_enabled ON crons (enabled, created_at DESC, cron_id DESC)`,
  `COMMENT ON INDEX crons_enabled IS 'Search by enabled in the default order.'`,
  `CREATE INDEX crons_metadata ON crons USING gin (metadata jsonb_path_ops)`,
  `COMMENT ON INDEX crons_metadata IS 'Search and count by metadata containment.'`,

  `ALTER TABLE runs ADD COLUMN turn_at timestamptz`,
  `UPDATE runs SET turn_at = due_at WHERE status IN ('pending', 'running')`,
  `ALTER TABLE runs ALTER COLUMN turn_at SET DEFAULT clock_timestamp()`,
  `COMMENT ON COLUMN runs.turn_at IS
     'Due runs of different threads are begun in this order: due_at, or later for those that let others go first.'`,
  `CREATE INDEX runs_turn ON runs (turn_at, run_id) WHERE status = 'pending'`,
  `COMMENT ON INDEX runs_turn IS 'Claiming due runs in order.'`,
  `DROP INDEX runs_pending`,
];

/** Schedules, and an order of runs in which those that a schedule has created let others go first. */
export class Crons1764310000000 implements MigrationInterface {
  name = 'Crons1764310000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE runs
     ADD COLUMN caller_key uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
     ADD COLUMN is_delayed boolean NOT NULL DEFAULT false`,
  `COMMENT ON COLUMN runs.caller_key IS
     'Digest of the user on whose behalf it is: slots are given to callers in turn. Zeros without a known caller.'`,
  `COMMENT ON COLUMN runs.is_delayed IS
     'It was created for a later moment, which no claim has found to be past: callers who only have such runs wait for nothing yet.'`,
  `CREATE INDEX runs_turn_of_caller ON runs (caller_key, turn_at, run_id) WHERE status = 'pending' AND NOT is_delayed`,
  `COMMENT ON INDEX runs_turn_of_caller IS 'Claiming due runs caller by caller: entered once per caller that waits.'`,
  `CREATE INDEX runs_delayed ON runs (due_at) WHERE status = 'pending' AND is_delayed`,
  `COMMENT ON INDEX runs_delayed IS 'Finding delayed runs that are due.'`,
];

/** Slots are given to callers in turn. */
export class CallerTurns1764541000000 implements MigrationInterface {
  name = 'CallerTurns1764541000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

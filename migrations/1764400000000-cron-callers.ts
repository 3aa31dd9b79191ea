import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE crons ADD COLUMN caller jsonb`,
  `COMMENT ON COLUMN crons.caller IS
     'Who has made it, as authentication has it, for its runs: on whose behalf they are. Never shown.'`,
];

/** Runs of a schedule are on behalf of the user who created it. */
export class CronCallers1764400000000 implements MigrationInterface {
  name = 'CronCallers1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

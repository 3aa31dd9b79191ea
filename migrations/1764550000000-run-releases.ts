import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE runs ADD COLUMN releases integer NOT NULL DEFAULT 0`,
  `COMMENT ON COLUMN runs.releases IS
     'How often a process that stopped has released it: attempts that were not counted. From a limit on they count.'`,
];

/** Attempts that are not counted are bounded, too. */
export class RunReleases1764550000000 implements MigrationInterface {
  name = 'RunReleases1764550000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

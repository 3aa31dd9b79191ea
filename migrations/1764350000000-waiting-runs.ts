import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE INDEX runs_waiting ON runs (thread_id) WHERE status = 'pending'`,
  `COMMENT ON INDEX runs_waiting IS 'How many runs wait on a thread, however many have ended there.'`,
];

/** The runs that wait on a thread can be counted without looking at all of its runs. */
export class WaitingRuns1764350000000 implements MigrationInterface {
  name = 'WaitingRuns1764350000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

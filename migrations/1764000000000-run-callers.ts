import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE runs ADD COLUMN caller json`,
  `COMMENT ON COLUMN runs.caller IS
     'Request id and headers of the request that asked for the run, for its graph; removed when the run has ended.'`,
  `COMMENT ON COLUMN runs.output IS
     'The answer of a stateless run, for clients that wait in another process or come back; of others, what the answer holds beside the values of the thread.'`,
];

/** Who has asked for a run, apart from everything that is shown or inherited. */
export class RunCallers1764000000000 implements MigrationInterface {
  name = 'RunCallers1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

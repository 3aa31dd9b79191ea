import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  // A generated column cannot stay while the one that it is made from changes its type.
  `ALTER TABLE threads DROP COLUMN searchable_values`,
  `ALTER TABLE threads
     ALTER COLUMN values TYPE json USING values::json,
     ALTER COLUMN interrupts DROP DEFAULT,
     ALTER COLUMN interrupts TYPE json USING interrupts::json,
     ALTER COLUMN interrupts SET DEFAULT '{}',
     ADD COLUMN searchable_values jsonb GENERATED ALWAYS AS (searchable_values(values::jsonb)) STORED`,
  `COMMENT ON COLUMN threads.values IS
     'The state after the last run or update. json, not jsonb: members keep the order in which the graph gave them.'`,
  `COMMENT ON COLUMN threads.interrupts IS
     'Pending interrupts by task id. json, not jsonb: forms for reviewers show members in the order of the graph.'`,
  `COMMENT ON COLUMN threads.searchable_values IS
     'What the index of values holds: with whole conversations in it, every run would write thousands of entries.'`,
  `CREATE INDEX threads_searchable_values ON threads USING gin (searchable_values jsonb_path_ops) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_searchable_values IS 'Search and count by values containment.'`,
];

/** States and interrupts of threads keep the order of their members. Rewrites the table of threads once. */
export class OrderedThreadState1764600000000 implements MigrationInterface {
  name = 'OrderedThreadState1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE threads ADD COLUMN ttl_minutes double precision,
                       ADD COLUMN ttl_strategy text CHECK (ttl_strategy IN ('delete', 'keep_latest'))`,
  `COMMENT ON COLUMN threads.ttl_minutes IS 'Minutes after the last activity; null when the thread stays.'`,
  `COMMENT ON COLUMN threads.ttl_strategy IS 'What a sweep does then: remove the thread, or its past states.'`,
  `COMMENT ON COLUMN threads.expires_at IS
     'When a sweep looks at the thread; hidden threads get it when their run ends. Activity does not move it: a sweep that
      finds the thread younger than its ttl does.'`,
];

/** Threads that go, or forget, when nothing has happened on them for a while. */
export class ThreadTtl1764200000000 implements MigrationInterface {
  name = 'ThreadTtl1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE runs ADD COLUMN delivery text, ADD COLUMN on_disconnect text, ADD COLUMN on_thread jsonb,
                    ADD COLUMN cancel_reason text, ADD COLUMN cancel_requested_at timestamptz`,
  `COMMENT ON COLUMN runs.delivery IS 'How the request that created it gets its output; null for a background run.'`,
  `COMMENT ON COLUMN runs.on_disconnect IS 'cancel: it ends when no client streams it or waits for it any more.'`,
  `COMMENT ON COLUMN runs.on_thread IS
     'Metadata and config that a run which waits for another one leaves on its thread when it begins.'`,
  `COMMENT ON COLUMN runs.cancel_reason IS 'Why it was cancelled, if the client that did it has said so.'`,
  `COMMENT ON COLUMN runs.cancel_requested_at IS
     'A client has requested a cancel without waiting for it: the process that finds the run still running stops it.'`,
];

/** What is wanted of a run beside the request itself: where its output goes, what its begin and its end leave behind. */
export class RunWishes1764100000000 implements MigrationInterface {
  name = 'RunWishes1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

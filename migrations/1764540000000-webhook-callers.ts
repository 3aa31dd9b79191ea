import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE webhook_deliveries ADD COLUMN caller json`,
  `COMMENT ON COLUMN webhook_deliveries.caller IS
     'On whose behalf the run was and what was decided about: it must still be allowed. Removed when the delivery has failed.'`,
];

/** Webhooks are decided again when they are sent, on behalf of the caller of their run. */
export class WebhookCallers1764540000000 implements MigrationInterface {
  name = 'WebhookCallers1764540000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

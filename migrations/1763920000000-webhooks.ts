import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `ALTER TABLE runs ADD COLUMN webhook text`,
  `COMMENT ON COLUMN runs.webhook IS
     'The same as in kwargs, where it must not be looked for: the operators of json refuse input that has a NUL in it.'`,

  // Host and port of an address, without credentials; empty for a path of this server.
  `CREATE TABLE webhook_deliveries (
     run_id      uuid PRIMARY KEY,
     thread_id   uuid,
     url         text NOT NULL,
     target      text NOT NULL GENERATED ALWAYS AS (
                   coalesce(left(lower(substring(url from '(?i)^https?://(?:[^/\\\\?#]*@)?([^/\\\\?#]+)')), 255), '')
                 ) STORED,
     payload     json NOT NULL,
     state       json,
     read_state  boolean NOT NULL,
     attempts    integer NOT NULL DEFAULT 0,
     due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
     lease_token uuid,
     last_error  text,
     failed_at   timestamptz,
     created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  // Rows live for milliseconds: compressing them would take three times as long as writing them.
  `ALTER TABLE webhook_deliveries ALTER payload SET STORAGE EXTERNAL, ALTER state SET STORAGE EXTERNAL`,
  `COMMENT ON TABLE webhook_deliveries IS
     'Outbox: webhooks of runs that have ended; no foreign keys, because run and thread may be gone before the delivery.'`,
  `COMMENT ON COLUMN webhook_deliveries.thread_id IS 'Absent for a stateless run: its thread goes anyway.'`,
  `COMMENT ON COLUMN webhook_deliveries.target IS
     'Host and port that is called, empty for this server: a slow one must not hold up the others.'`,
  `COMMENT ON COLUMN webhook_deliveries.payload IS 'What is sent, but for the state and the time of sending.'`,
  `COMMENT ON COLUMN webhook_deliveries.state IS 'The state the run left, or what the thread had before it.'`,
  `COMMENT ON COLUMN webhook_deliveries.read_state IS
     'The run was stopped from outside: its last checkpoint, if it wrote any, has the state.'`,
  `COMMENT ON COLUMN webhook_deliveries.due_at IS 'When to try (again). While an attempt is under way: the end of its lease.'`,
  `COMMENT ON COLUMN webhook_deliveries.lease_token IS 'The sender presents it with every change.'`,
  `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (target, due_at) WHERE failed_at IS NULL`,
  `COMMENT ON INDEX webhook_deliveries_due IS 'Claiming due deliveries, a few of each target.'`,
  `CREATE INDEX webhook_deliveries_failed_at ON webhook_deliveries (failed_at) WHERE failed_at IS NOT NULL`,
  `COMMENT ON INDEX webhook_deliveries_failed_at IS 'The sweep of failed deliveries.'`,
];

/** Webhooks that are to be delivered. */
export class Webhooks1763920000000 implements MigrationInterface {
  name = 'Webhooks1763920000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Version that the official PostgresSaver records when it has made these tables; it then changes nothing. */
const OFFICIAL_VERSION = 4;

/** IF NOT EXISTS: a database that the official saver has written to is taken over as it is. */
const STATEMENTS = [
  `CREATE TABLE IF NOT EXISTS checkpoint_migrations (v integer PRIMARY KEY)`,
  `CREATE TABLE IF NOT EXISTS checkpoints (
     thread_id            text NOT NULL,
     checkpoint_ns        text NOT NULL DEFAULT '',
     checkpoint_id        text NOT NULL,
     parent_checkpoint_id text,
     type                 text,
     checkpoint           jsonb NOT NULL,
     metadata             jsonb NOT NULL DEFAULT '{}',
     PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
   )`,
  `CREATE TABLE IF NOT EXISTS checkpoint_blobs (
     thread_id     text NOT NULL,
     checkpoint_ns text NOT NULL DEFAULT '',
     channel       text NOT NULL,
     version       text NOT NULL,
     type          text NOT NULL,
     blob          bytea,
     PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
   )`,
  `CREATE TABLE IF NOT EXISTS checkpoint_writes (
     thread_id     text NOT NULL,
     checkpoint_ns text NOT NULL DEFAULT '',
     checkpoint_id text NOT NULL,
     task_id       text NOT NULL,
     idx           integer NOT NULL,
     channel       text NOT NULL,
     type          text,
     blob          bytea NOT NULL,
     PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
   )`,
  `ALTER TABLE checkpoint_blobs ALTER COLUMN blob DROP NOT NULL`,
  `ALTER TABLE checkpoint_writes ADD COLUMN IF NOT EXISTS task_path text NOT NULL DEFAULT ''`,
  `ALTER TABLE checkpoint_writes ADD COLUMN IF NOT EXISTS run_id uuid`,
  `COMMENT ON COLUMN checkpoint_writes.run_id IS
     'Run that wrote it, if one did: a rollback removes what it added to checkpoints of others. Ours alone.'`,
  `COMMENT ON COLUMN checkpoint_writes.task_path IS
     'Order of a superstep''s writes; the official JavaScript saver leaves it empty, the Python one fills it.'`,
];

/** LangGraph's own checkpoint tables, with their official names and shape. */
export class Checkpoints1763800000001 implements MigrationInterface {
  name = 'Checkpoints1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
    await runner.query(
      `INSERT INTO checkpoint_migrations (v) SELECT generate_series(0, $1::integer) ON CONFLICT DO NOTHING`,
      [OFFICIAL_VERSION],
    );
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

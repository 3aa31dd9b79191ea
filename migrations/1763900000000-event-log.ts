import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE TABLE thread_streams (
     thread_id uuid PRIMARY KEY,
     next_seq  bigint NOT NULL DEFAULT 0,
     kept_from bigint NOT NULL DEFAULT 0,
     kept_size bigint NOT NULL DEFAULT 0
   )`,
  `COMMENT ON TABLE thread_streams IS
     'Numbers the events of each thread. The lock on a row puts the writers of a thread in order: what has a lower number
      was committed before. No foreign key: it would wait for locks on the thread.'`,
  `COMMENT ON COLUMN thread_streams.kept_from IS 'Events with a lower number are no longer kept.'`,
  `COMMENT ON COLUMN thread_streams.kept_size IS 'Bytes kept, more or less: beyond a bound the oldest are dropped.'`,

  `CREATE UNLOGGED TABLE thread_events (
     thread_id  uuid NOT NULL,
     seq        bigint NOT NULL,
     count      integer NOT NULL,
     run_id     uuid,
     chunk_id   uuid NOT NULL,
     resumable  boolean NOT NULL,
     events     text NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (thread_id, seq)
   )`,
  `COMMENT ON TABLE thread_events IS
     'Events of runs and threads, for readers in other processes and for those who come back. Unlogged: a crash of the
      database empties it, and readers are told.'`,
  `COMMENT ON COLUMN thread_events.seq IS 'Number of the first event of this row, which holds \`count\` of them.'`,
  `COMMENT ON COLUMN thread_events.chunk_id IS 'Made by the writer: after a lost connection it looks what has arrived.'`,
  `COMMENT ON COLUMN thread_events.events IS 'Two lines for each event: its name, its JSON.'`,
  // Compression costs more than it saves for rows that live for minutes.
  `ALTER TABLE thread_events ALTER COLUMN events SET STORAGE EXTERNAL`,
  `CREATE INDEX thread_events_expiry ON thread_events (created_at) WHERE NOT resumable`,
  `COMMENT ON INDEX thread_events_expiry IS 'The sweep of events that are not resumable.'`,
  `CREATE INDEX thread_events_resumable_expiry ON thread_events (created_at) WHERE resumable`,
  `COMMENT ON INDEX thread_events_resumable_expiry IS 'The sweep of events that readers may come back for.'`,
];

/** The log of events that all processes share. */
export class EventLog1763900000000 implements MigrationInterface {
  name = 'EventLog1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

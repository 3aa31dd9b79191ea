import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  // -- assistants ------------------------------------------------------------------------------------------------
  `CREATE TABLE assistants (
     assistant_id uuid PRIMARY KEY,
     graph_id     text NOT NULL,
     version      integer NOT NULL DEFAULT 1,
     name         text NOT NULL,
     description  text,
     config       jsonb NOT NULL DEFAULT '{}',
     context      jsonb NOT NULL DEFAULT '{}',
     metadata     jsonb NOT NULL DEFAULT '{}',
     created_at   timestamptz NOT NULL DEFAULT now(),
     updated_at   timestamptz NOT NULL DEFAULT now()
   )`,
  `COMMENT ON TABLE assistants IS 'The current version of every assistant; older ones are in assistant_versions.'`,
  `CREATE INDEX assistants_created_at ON assistants (created_at DESC, assistant_id)`,
  `COMMENT ON INDEX assistants_created_at IS 'Search in its default order.'`,
  `CREATE INDEX assistants_graph_id ON assistants (graph_id, created_at DESC)`,
  `COMMENT ON INDEX assistants_graph_id IS 'Search and count by graph_id.'`,
  `CREATE INDEX assistants_metadata ON assistants USING gin (metadata jsonb_path_ops)`,
  `COMMENT ON INDEX assistants_metadata IS 'Search and count by metadata containment.'`,

  `CREATE TABLE assistant_versions (
     assistant_id uuid NOT NULL REFERENCES assistants ON DELETE CASCADE,
     version      integer NOT NULL,
     graph_id     text NOT NULL,
     name         text NOT NULL,
     description  text,
     config       jsonb NOT NULL,
     context      jsonb NOT NULL,
     metadata     jsonb NOT NULL,
     created_at   timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (assistant_id, version)
   )`,
  `COMMENT ON TABLE assistant_versions IS 'Every version an assistant has had, complete; numbers are never reused.'`,

  // -- threads ---------------------------------------------------------------------------------------------------
  `CREATE TABLE threads (
     thread_id        uuid PRIMARY KEY,
     status           text NOT NULL DEFAULT 'idle' CHECK (status IN ('idle', 'busy', 'interrupted', 'error')),
     metadata         jsonb NOT NULL DEFAULT '{}',
     config           jsonb NOT NULL DEFAULT '{}',
     values           jsonb,
     interrupts       jsonb NOT NULL DEFAULT '{}',
     error            jsonb,
     newest_run_id    uuid,
     hidden           boolean NOT NULL DEFAULT false,
     expires_at       timestamptz,
     created_at       timestamptz NOT NULL DEFAULT now(),
     updated_at       timestamptz NOT NULL DEFAULT now(),
     state_updated_at timestamptz
   )`,
  `COMMENT ON TABLE threads IS 'Threads with their latest state. Hidden ones belong to stateless runs.'`,
  `COMMENT ON COLUMN threads.newest_run_id IS
     'The run due last among those not yet ended: a run that ends and is not this one leaves the thread busy.'`,
  `COMMENT ON COLUMN threads.expires_at IS 'When a sweep removes the thread; hidden threads get it when their run ends.'`,
  `CREATE INDEX threads_updated_at ON threads (updated_at DESC, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_updated_at IS 'Search in its default order.'`,
  `CREATE INDEX threads_created_at ON threads (created_at DESC, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_created_at IS 'Search sorted by created_at.'`,
  `CREATE INDEX threads_status ON threads (status, updated_at DESC) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_status IS 'Search and count by status.'`,
  `CREATE INDEX threads_metadata ON threads USING gin (metadata jsonb_path_ops) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_metadata IS 'Search and count by metadata containment; deleting the threads of an assistant.'`,
  `CREATE INDEX threads_expires_at ON threads (expires_at) WHERE expires_at IS NOT NULL`,
  `COMMENT ON INDEX threads_expires_at IS 'The sweep of expired threads.'`,

  // -- runs ------------------------------------------------------------------------------------------------------
  `CREATE TABLE runs (
     run_id             uuid PRIMARY KEY,
     thread_id          uuid NOT NULL REFERENCES threads ON DELETE CASCADE,
     assistant_id       uuid NOT NULL REFERENCES assistants ON DELETE CASCADE,
     status             text NOT NULL DEFAULT 'pending'
                        CHECK (status IN ('pending', 'running', 'success', 'error', 'timeout', 'interrupted')),
     metadata           jsonb NOT NULL DEFAULT '{}',
     kwargs             json NOT NULL,
     multitask_strategy text NOT NULL,
     attempt            integer NOT NULL DEFAULT 0,
     lease_token        uuid,
     lease_until        timestamptz,
     output             json,
     error              jsonb,
     due_at             timestamptz NOT NULL DEFAULT clock_timestamp(),
     created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
     updated_at         timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `COMMENT ON TABLE runs IS 'Runs; the table is the queue.'`,
  `COMMENT ON COLUMN runs.due_at IS 'When the run may begin; the order of the runs of a thread.'`,
  `COMMENT ON COLUMN runs.kwargs IS 'The request with its merged config. json, not jsonb: input is kept to the letter.'`,
  `COMMENT ON COLUMN runs.lease_token IS 'The worker that executes the run presents it with every write.'`,
  `COMMENT ON COLUMN runs.output IS 'The answer of a stateless run, for clients that wait in another process or come back.'`,
  `CREATE INDEX runs_thread ON runs (thread_id, created_at DESC, run_id)`,
  `COMMENT ON INDEX runs_thread IS 'List of the runs of a thread; deleting a thread.'`,
  `CREATE INDEX runs_pending ON runs (due_at, run_id) WHERE status = 'pending'`,
  `COMMENT ON INDEX runs_pending IS 'Claiming due runs in order.'`,
  `CREATE UNIQUE INDEX runs_one_running_per_thread ON runs (thread_id) WHERE status = 'running'`,
  `COMMENT ON INDEX runs_one_running_per_thread IS 'The guard: no thread ever has two running runs.'`,
  `CREATE INDEX runs_lease ON runs (lease_until) WHERE status = 'running'`,
  `COMMENT ON INDEX runs_lease IS 'Finding runs whose lease has expired.'`,
  `CREATE INDEX runs_assistant ON runs (assistant_id)`,
  `COMMENT ON INDEX runs_assistant IS 'Deleting an assistant.'`,
];

/** Assistants, threads and runs. */
export class FirstLight1763800000000 implements MigrationInterface {
  name = 'FirstLight1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  // -- threads: values -------------------------------------------------------------------------------------------
  `CREATE FUNCTION searchable_values(given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT jsonb_object_agg(key, CASE WHEN pg_column_size(value) <= 1024 THEN value ELSE 'null' END)
     FROM jsonb_each(CASE jsonb_typeof(given) WHEN 'object' THEN given END)
   $$`,
  `COMMENT ON FUNCTION searchable_values IS
     'The small values of a state; null in place of large ones. A filter by one of those reads the state.'`,
  `ALTER TABLE threads ADD COLUMN searchable_values jsonb GENERATED ALWAYS AS (searchable_values(values)) STORED`,
  `COMMENT ON COLUMN threads.searchable_values IS
     'What the index of values holds: with whole conversations in it, every run would write thousands of entries.'`,
  `CREATE INDEX threads_searchable_values ON threads USING gin (searchable_values jsonb_path_ops) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_searchable_values IS 'Search and count by values containment.'`,

  // -- threads: sorts --------------------------------------------------------------------------------------------
  // Read backwards for DESC, ties included; the older ones had ties the other way round and were never used.
  `DROP INDEX threads_updated_at, threads_created_at, threads_status`,
  `CREATE INDEX threads_updated_at ON threads (updated_at, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_updated_at IS 'Search in its default order.'`,
  `CREATE INDEX threads_created_at ON threads (created_at, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_created_at IS 'Search sorted by created_at.'`,
  `CREATE INDEX threads_state_updated_at ON threads (state_updated_at NULLS FIRST, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_state_updated_at IS 'Search sorted by state_updated_at; threads without a state are the oldest.'`,
  `CREATE INDEX threads_status ON threads (status, updated_at, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_status IS 'Search by status in its default order.'`,
  `CREATE INDEX threads_status_thread_id ON threads (status, thread_id) WHERE NOT hidden`,
  `COMMENT ON INDEX threads_status_thread_id IS 'Search sorted by status.'`,

  // -- threads: totals -------------------------------------------------------------------------------------------
  `CREATE TABLE thread_counts (
     status       text NOT NULL,
     graph_id     jsonb,
     assistant_id jsonb,
     threads      bigint NOT NULL
   )`,
  `COMMENT ON TABLE thread_counts IS
     'How many visible threads there are of each status, metadata.graph_id and metadata.assistant_id: the sum of all rows of
      a group. Changes are rows of their own, so that no transaction waits for another; a sweep adds them up.'`,
  `INSERT INTO thread_counts
   SELECT status, metadata -> 'graph_id', metadata -> 'assistant_id', count(*) FROM threads WHERE NOT hidden GROUP BY 1, 2, 3`,
  `CREATE FUNCTION count_thread() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF TG_OP <> 'INSERT' THEN
       INSERT INTO thread_counts VALUES (OLD.status, OLD.metadata -> 'graph_id', OLD.metadata -> 'assistant_id', -1);
     END IF;
     IF TG_OP <> 'DELETE' THEN
       INSERT INTO thread_counts VALUES (NEW.status, NEW.metadata -> 'graph_id', NEW.metadata -> 'assistant_id', 1);
     END IF;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER count_inserted AFTER INSERT ON threads
   FOR EACH ROW WHEN (NOT NEW.hidden) EXECUTE FUNCTION count_thread()`,
  `CREATE TRIGGER count_deleted AFTER DELETE ON threads
   FOR EACH ROW WHEN (NOT OLD.hidden) EXECUTE FUNCTION count_thread()`,
  `CREATE TRIGGER count_updated AFTER UPDATE OF status, metadata ON threads
   FOR EACH ROW WHEN (NOT NEW.hidden AND
     (OLD.status, OLD.metadata -> 'graph_id', OLD.metadata -> 'assistant_id') IS DISTINCT FROM
     (NEW.status, NEW.metadata -> 'graph_id', NEW.metadata -> 'assistant_id'))
   EXECUTE FUNCTION count_thread()`,
  `CREATE FUNCTION forget_thread_counts() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN DELETE FROM thread_counts; RETURN NULL; END $$`,
  `CREATE TRIGGER count_truncated AFTER TRUNCATE ON threads FOR EACH STATEMENT EXECUTE FUNCTION forget_thread_counts()`,

  // -- assistants ------------------------------------------------------------------------------------------------
  `DROP INDEX assistants_created_at, assistants_graph_id`,
  `CREATE INDEX assistants_created_at ON assistants (created_at, assistant_id)`,
  `COMMENT ON INDEX assistants_created_at IS 'Search in its default order.'`,
  `CREATE INDEX assistants_updated_at ON assistants (updated_at, assistant_id)`,
  `COMMENT ON INDEX assistants_updated_at IS 'Search sorted by updated_at.'`,
  `CREATE INDEX assistants_name ON assistants (name, assistant_id)`,
  `COMMENT ON INDEX assistants_name IS 'Search sorted by name.'`,
  `CREATE INDEX assistants_graph_id ON assistants (graph_id, assistant_id)`,
  `COMMENT ON INDEX assistants_graph_id IS 'Search sorted by graph_id; count by it.'`,
  `CREATE INDEX assistants_graph_id_created_at ON assistants (graph_id, created_at, assistant_id)`,
  `COMMENT ON INDEX assistants_graph_id_created_at IS 'Search by graph_id in its default order.'`,
  // Not every database has the extension, or lets us install it; without it, all names are read.
  `DO $$ BEGIN
     CREATE EXTENSION IF NOT EXISTS pg_trgm;
     CREATE INDEX assistants_name_parts ON assistants USING gin (lower(name) gin_trgm_ops);
     COMMENT ON INDEX assistants_name_parts IS 'Search and count by a part of the name.';
   EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
     RAISE NOTICE 'pg_trgm is not available: searching assistants by name reads all of them.';
   END $$`,
];

/** Indexes for every filter and every sort of threads and assistants, and totals that need not be counted. */
export class Search1764250000000 implements MigrationInterface {
  name = 'Search1764250000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only: restore a backup instead.'));
  }
}

import type pg from 'pg';

/** All changes of the tables of a database, recorded by triggers. */
export interface Changes {
  /** The changes since the last call. */
  since(): Promise<string[]>;
}

/**
 * An update without a difference is not a change, and neither is a rolled-back one. Excluded are events and results of runs,
 * which are written after the response to the request that ended the run (the first waiting client writes the result of a
 * stopped run), and the counts of threads, which follow the threads and are aggregated periodically.
 */
const NOTE = `
  CREATE UNLOGGED TABLE fuzz_changes (id bigserial PRIMARY KEY, text text);
  CREATE FUNCTION fuzz_note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'UPDATE' OR to_jsonb(OLD) - 'output' <> to_jsonb(NEW) - 'output' THEN
      INSERT INTO fuzz_changes (text) VALUES (left(format('%s %s: %s -> %s', TG_OP, TG_TABLE_NAME, OLD, NEW), 2000));
    END IF;
    RETURN NULL;
  END $$;
  DO $$
  DECLARE name regclass;
  BEGIN
    FOR name IN SELECT oid FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT IN ('fuzz_changes', 'thread_streams', 'thread_events', 'thread_counts')
    LOOP
      EXECUTE format('CREATE TRIGGER fuzz AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION fuzz_note()', name);
    END LOOP;
  END $$`;

export async function noteChanges(pool: pg.Pool): Promise<Changes> {
  await pool.query(NOTE);
  let last = 0;
  return {
    since: async () => {
      const { rows } = await pool.query<{ id: string; text: string }>(
        'SELECT id, text FROM fuzz_changes WHERE id > $1 ORDER BY id',
        [last],
      );
      last = Number(rows.at(-1)?.id ?? last);
      return rows.map(({ text }) => text);
    },
  };
}

/** Resolves when no session of the server is active. */
export async function untilIdle(pool: pg.Pool): Promise<void> {
  const BUSY = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'`;
  while ((await pool.query(BUSY)).rowCount! > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Sql } from '../../src/database/sql.js';
import { deleteStreams, PostgresEventLog } from '../../src/streams/postgres-event-log.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { describeEventLog, type LeasedRun, type LogFixture } from './event-log.contract.js';

const ASSISTANT = randomUUID();
const PROCESSES = 4;

describe('PostgresEventLog', () => {
  let database: TestDatabase;
  const pools: pg.Pool[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
    await database.pool.query(RECORD_COMMITS);
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await database.drop();
  });

  const query = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> =>
    (await database.pool.query<R>(text, values)).rows;

  const newThread = async (thread_id: string = randomUUID()): Promise<string> => {
    await query('INSERT INTO threads (thread_id) VALUES ($1)', [thread_id]);
    return thread_id;
  };

  const newRun = async (thread_id: string): Promise<LeasedRun> => {
    const run = { run_id: randomUUID(), lease_token: randomUUID() };
    await query(
      `INSERT INTO runs (run_id, thread_id, assistant_id, kwargs, metadata, multitask_strategy, status, attempt,
                         lease_token, lease_until, due_at)
       VALUES ($1, $2, $3, '{}', '{}', 'enqueue', 'running', 1, $4, now() + interval '1 minute', now())`,
      [run.run_id, thread_id, ASSISTANT, run.lease_token],
    );
    return run;
  };

  /** As many sessions of this database wait for a lock. */
  const untilWaiting = async (sessions: number): Promise<void> => {
    for (let waiting = 0; waiting < sessions;) {
      const rows = await query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      waiting = rows.length;
    }
  };

  const setUp = (): Promise<LogFixture> => {
    for (let count = 0; count < PROCESSES; count += 1) {
      pools.push(new pg.Pool({ connectionString: database.uri, max: 3 }));
    }
    return Promise.resolve({
      logs: pools.map((pool) => new PostgresEventLog(new Sql(pool, true))),
      newThread,
      newRun,
      takeLease: async ({ run_id }) => {
        await query('UPDATE runs SET lease_token = gen_random_uuid() WHERE run_id = $1', [run_id]);
      },
      endRun: async ({ run_id }) => {
        await query(`UPDATE runs SET status = 'success', lease_token = NULL, updated_at = now() WHERE run_id = $1`, [
          run_id,
        ]);
      },
      letPass: async (ms) => {
        const earlier = `- $1::bigint * interval '1 millisecond'`;
        await query(`UPDATE thread_events SET created_at = created_at ${earlier}`, [ms]);
        await query(`UPDATE runs SET updated_at = updated_at ${earlier}`, [ms]);
      },
      deleteThread: (thread_id) =>
        new Sql(database.pool, true).transaction(async (db) => {
          await db.query('DELETE FROM threads WHERE thread_id = $1', [thread_id]);
          await deleteStreams(db, [thread_id]);
        }),
      hold: async (thread_id) => {
        const client = await database.pool.connect();
        await client.query('BEGIN');
        await client.query('SELECT FROM thread_streams WHERE thread_id = $1 FOR UPDATE', [thread_id]);
        const release = async (): Promise<void> => {
          await client.query('COMMIT');
          client.release();
        };
        return { untilWaiting, release };
      },
      // The table is unlogged. Of its numbers everything may be lost that came after a commit that was waited for.
      crash: async (thread_id) => {
        await query('TRUNCATE thread_events');
        await query(
          `UPDATE thread_streams s SET next_seq = c.next_seq, kept_from = c.kept_from, kept_size = c.kept_size
           FROM (SELECT * FROM commits WHERE thread_id = $1 AND is_durable ORDER BY at DESC LIMIT 1) AS c
           WHERE s.thread_id = c.thread_id`,
          [thread_id],
        );
        await query(
          `DELETE FROM thread_streams s WHERE thread_id = $1
             AND NOT EXISTS (SELECT FROM commits c WHERE c.thread_id = s.thread_id AND is_durable)`,
          [thread_id],
        );
      },
    });
  };

  describeEventLog(setUp);

  it('waits for the disk only when a thread gets its first event after nothing', async () => {
    const [, pool] = pools;
    const log = new PostgresEventLog(new Sql(pool, true));
    const thread_id = await newThread();
    const source = { thread_id, run_id: null, lease_token: null, resumable: true };
    for (let count = 0; count < 3; count += 1) {
      await log.append([{ ...source, chunk_id: randomUUID(), events: [{ event: 'e', json: '1' }] }], false);
    }
    const rows = await query('SELECT is_durable FROM commits WHERE thread_id = $1 ORDER BY at', [thread_id]);
    expect(rows).toEqual([{ is_durable: true }, { is_durable: false }, { is_durable: false }]);
  });
});

/** Writes down how each change of a thread's numbers was committed. */
const RECORD_COMMITS = `
  CREATE TABLE commits (
    at bigserial PRIMARY KEY, thread_id uuid, next_seq bigint, kept_from bigint, kept_size bigint, is_durable boolean);
  CREATE FUNCTION record_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO commits (thread_id, next_seq, kept_from, kept_size, is_durable)
      VALUES (NEW.thread_id, NEW.next_seq, NEW.kept_from, NEW.kept_size, current_setting('synchronous_commit') = 'on');
      RETURN NULL;
    END $$;
  CREATE CONSTRAINT TRIGGER record_commit AFTER INSERT OR UPDATE ON thread_streams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_commit();`;

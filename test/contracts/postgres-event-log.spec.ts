import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { Sql } from '../../src/database/sql.js';
import { deleteStreams, PostgresEventLog } from '../../src/streams/postgres-event-log.js';
import type { NewChunk } from '../../src/streams/event-log.js';
import { createDatabase, type TestDatabase, untilWaitingForLocks } from '../support/database.js';
import { describeEventLog, type LeasedRun, type LogFixture } from './event-log.contract.js';

const ASSISTANT = randomUUID();
const PROCESSES = 4;

describe('PostgresEventLog', () => {
  let database: TestDatabase;
  let logs: PostgresEventLog[];

  beforeAll(async () => {
    database = await createDatabase();
    await database.pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [
      ASSISTANT,
    ]);
  });
  afterAll(() => database.drop());

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

  const setUp = (): Promise<LogFixture> => {
    logs = Array.from({ length: PROCESSES }, () => new PostgresEventLog(new Sql(database.newPool(), true)));
    return Promise.resolve({
      logs,
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
        return { untilWaiting: (writers) => untilWaitingForLocks(database, writers), release };
      },
      // Both tables are unlogged, and commits do not wait until numbers are on the disk.
      crash: async (thread_id) => {
        await query('TRUNCATE thread_events, event_log_epochs');
        await query('DELETE FROM thread_streams WHERE thread_id = $1', [thread_id]);
      },
    });
  };

  describeEventLog(setUp);

  describe('after crashes that lose the last numbers', () => {
    const chunk = (thread_id: string): NewChunk => {
      const events = Array.from({ length: 10 }, () => ({ event: 'e', json: '1' }));
      return { chunk_id: randomUUID(), thread_id, run_id: null, lease_token: null, resumable: true, events };
    };

    it('reuses no number, and reports that no event is stored', async () => {
      const [log] = logs;
      const thread_id = await newThread();
      const [first] = await log.append([chunk(thread_id)], false);
      const onDisk = await query('SELECT next_seq, epoch FROM thread_streams WHERE thread_id = $1', [thread_id]);
      const places = [first!];
      for (let crash = 0; crash < 3; crash += 1) {
        places.push((await log.append([chunk(thread_id)], false))[0]!);
        await query('TRUNCATE thread_events, event_log_epochs');
        await query(
          `UPDATE thread_streams SET next_seq = d.next_seq, epoch = d.epoch, kept_size = 1000
           FROM jsonb_to_recordset($2) AS d (next_seq bigint, epoch bigint) WHERE thread_id = $1`,
          [thread_id, JSON.stringify(onDisk)],
        );
        places.push((await log.append([chunk(thread_id)], crash === 1))[0]!);
        expect(places.at(-1)!.kept_size).toBe(first!.kept_size);
      }
      places.slice(1).forEach(({ seq }, index) => expect(seq).toBeGreaterThanOrEqual(places[index].seq + 10));
    });

    it('reuses no number when the first attempt failed', async () => {
      const [log] = logs;
      const thread_id = await newThread();
      const [first] = await log.append([chunk(thread_id)], false);
      await query('TRUNCATE thread_events, event_log_epochs');
      await query('DELETE FROM thread_streams WHERE thread_id = $1', [thread_id]);
      await log.append([chunk(await newThread())], false);
      const [second] = await log.append([chunk(thread_id)], true);
      expect(second!.seq).toBeGreaterThanOrEqual(first!.seq + 10);
    });
  });

  it('does not wait for the disk', async () => {
    const [log] = logs;
    const thread_id = await newThread();
    await query(RECORD_COMMITS);
    const source = { thread_id, run_id: null, lease_token: null, resumable: true, chunk_id: randomUUID() };
    await log.append([{ ...source, events: [{ event: 'e', json: '1' }] }], false);
    expect(await query('SELECT setting FROM commits')).toEqual([{ setting: 'off' }]);
  });
});

/** Records the setting at the commit of a change of a thread's numbers. */
const RECORD_COMMITS = `
  CREATE TABLE commits (setting text);
  CREATE FUNCTION record_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO commits VALUES (current_setting('synchronous_commit'));
      RETURN NULL;
    END $$;
  CREATE CONSTRAINT TRIGGER record_commit AFTER INSERT OR UPDATE ON thread_streams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_commit();`;

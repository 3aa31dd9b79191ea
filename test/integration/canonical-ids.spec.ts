import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { runToEnd } from '../support/server.js';

const MIGRATION = 'CanonicalIds1764510000000';

/** A checkpoint with a value and a write, as a run leaves it. */
async function insertCheckpoint(
  { pool }: TestDatabase,
  thread_id: string,
  checkpoint_id: string,
  metadata: object,
): Promise<void> {
  await pool.query(
    `INSERT INTO checkpoints (thread_id, checkpoint_id, checkpoint, metadata) VALUES ($1, $2, '{}', $3)`,
    [thread_id, checkpoint_id, metadata],
  );
  await pool.query(
    `INSERT INTO checkpoint_blobs (thread_id, channel, version, type, blob) VALUES ($1, 'path', $2, 'json', '1')`,
    [thread_id, checkpoint_id],
  );
  await pool.query(
    `INSERT INTO checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, type, blob)
     VALUES ($1, $2, 'task', 0, 'path', 'json', '1')`,
    [thread_id, checkpoint_id],
  );
}

describe('The migration to canonical ids', () => {
  let database: TestDatabase;
  const kept = randomUUID();
  const deleted = randomUUID();
  const foreign = randomUUID();

  beforeAll(async () => {
    database = await createDatabase();
    const { pool } = database;
    await pool.query('INSERT INTO threads (thread_id) VALUES ($1)', [kept]);
    await insertCheckpoint(database, kept, '1', { run_attempt: 1, thread_id: kept });
    await insertCheckpoint(database, kept.toUpperCase(), '2', { run_attempt: 1, thread_id: kept.toUpperCase() });
    await insertCheckpoint(database, deleted.toUpperCase(), '3', { run_attempt: 1 });
    await insertCheckpoint(database, foreign.toUpperCase(), '4', { source: 'loop' });
    await insertCheckpoint(database, 'Not-A-UUID', '5', { run_attempt: 1 });
    await pool.query('DELETE FROM nestgraph_migrations WHERE name = $1', [MIGRATION]);
    const { code, output } = await runToEnd(['migrate'], { database });
    expect({ code, output }).toMatchObject({ code: 0 });
  });
  afterAll(() => database?.drop());

  it.each(['checkpoints', 'checkpoint_blobs', 'checkpoint_writes'])(
    'moves the rows of a thread in %s',
    async (table) => {
      const id = table === 'checkpoint_blobs' ? 'version' : 'checkpoint_id';
      const { rows } = await database.pool.query<{ thread_id: string; id: string }>(
        `SELECT thread_id, ${id} AS id FROM ${table} ORDER BY ${id}`,
      );

      expect(rows).toEqual([
        { thread_id: kept, id: '1' },
        { thread_id: kept, id: '2' },
        // Of a deleted thread nothing stays. What another program keeps under names of its own is left alone.
        { thread_id: foreign.toUpperCase(), id: '4' },
        { thread_id: 'Not-A-UUID', id: '5' },
      ]);
    },
  );

  it('corrects what checkpoints say about their thread', async () => {
    const { rows } = await database.pool.query(
      `SELECT metadata ->> 'thread_id' AS thread_id FROM checkpoints WHERE thread_id = $1 ORDER BY checkpoint_id`,
      [kept],
    );

    expect(rows).toEqual([{ thread_id: kept }, { thread_id: kept }]);
  });
});

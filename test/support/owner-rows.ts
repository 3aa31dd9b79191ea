import type pg from 'pg';

/** Columns that workers change. */
const WITHOUT = `- 'lease_until' - 'lease_token' - 'updated_at' - 'next_run_date'`;

/** All rows of a user: rows with the user as owner in their metadata, and rows that depend on them. */
export async function rowsOfOwner(pool: pg.Pool, owner: string): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `WITH mine AS (SELECT thread_id FROM threads WHERE metadata ->> 'owner' = $1)
     SELECT row FROM (
       SELECT 'thread' || (to_jsonb(t) ${WITHOUT})::text FROM threads t WHERE thread_id IN (SELECT thread_id FROM mine)
       UNION ALL SELECT 'run' || (to_jsonb(r) ${WITHOUT})::text FROM runs r WHERE thread_id IN (SELECT thread_id FROM mine)
       UNION ALL SELECT 'assistant' || to_jsonb(a)::text FROM assistants a WHERE metadata ->> 'owner' = $1
       UNION ALL SELECT 'cron' || (to_jsonb(c) ${WITHOUT})::text FROM crons c WHERE metadata ->> 'owner' = $1
       UNION ALL SELECT 'checkpoint' || to_jsonb(c)::text FROM checkpoints c
         WHERE thread_id IN (SELECT thread_id::text FROM mine)
     ) AS everything (row) ORDER BY row`,
    [owner],
  );
  return rows.map(({ row }) => row);
}

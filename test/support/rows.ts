import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** Inserts a running run with its thread, its assistant and a lease that does not expire. */
export async function insertRunningRun(
  pool: pg.Pool,
): Promise<{ run_id: string; thread_id: string; lease_token: string }> {
  const [run_id, thread_id, assistant_id, lease_token] = Array.from({ length: 4 }, () => randomUUID());
  await pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, 'g', 'g')`, [assistant_id]);
  await pool.query('INSERT INTO threads (thread_id) VALUES ($1)', [thread_id]);
  await pool.query(
    `INSERT INTO runs (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, lease_token)
     VALUES ($1, $2, $3, 'running', '{}', 'enqueue', $4)`,
    [run_id, thread_id, assistant_id, lease_token],
  );
  return { run_id, thread_id, lease_token };
}

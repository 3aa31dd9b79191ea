/** A lease that this process holds. */
export interface HeldLease {
  run_id: string;
  lease_token: string;
}

/** The part of a `pg` client that this file needs: a worker thread without Nest loads it. */
interface Database {
  query(text: string, values: unknown[]): Promise<{ rows: { lease_token: string; is_renewed: boolean }[] }>;
}

/**
 * `held`: tokens of leases that are still valid. `locked`: those of them not renewed, because another transaction locks
 * the run.
 */
export interface Renewal {
  held: Set<string>;
  locked: Set<string>;
}

/** Renews leases (the heartbeat). SKIP LOCKED: a run whose row is locked does not delay the renewal of the others. */
export async function renewLeases(db: Database, leases: HeldLease[], ms: number): Promise<Renewal> {
  const { rows } = await db.query(
    `WITH held AS (
       SELECT runs.run_id, runs.lease_token FROM runs
       JOIN unnest($1::uuid[], $2::uuid[]) AS asked (run_id, token) ON runs.run_id = asked.run_id AND lease_token = token
     ), free AS MATERIALIZED (
       SELECT run_id, lease_token FROM runs WHERE (run_id, lease_token) IN (SELECT run_id, lease_token FROM held)
       ORDER BY run_id FOR NO KEY UPDATE SKIP LOCKED
     ), renewed AS (
       UPDATE runs SET lease_until = clock_timestamp() + $3::integer * interval '1 millisecond'
       FROM free WHERE runs.run_id = free.run_id AND runs.lease_token = free.lease_token RETURNING runs.lease_token
     )
     SELECT lease_token, renewed.lease_token IS NOT NULL AS is_renewed FROM held LEFT JOIN renewed USING (lease_token)`,
    [leases.map(({ run_id }) => run_id), leases.map(({ lease_token }) => lease_token), ms],
  );
  return {
    held: new Set(rows.map(({ lease_token }) => lease_token)),
    locked: new Set(rows.filter(({ is_renewed }) => !is_renewed).map(({ lease_token }) => lease_token)),
  };
}

/** A lease as the process that holds it knows it. */
export interface HeldLease {
  run_id: string;
  lease_token: string;
}

/** The part of a `pg` client that is needed here: this file is loaded in a thread that has nothing else. */
interface Database {
  query(text: string, values: unknown[]): Promise<{ rows: { lease_token: string }[] }>;
}

/** Prolongs leases and gives the tokens of those that are still held. */
export async function renewLeases(db: Database, leases: HeldLease[], ms: number): Promise<Set<string>> {
  const { rows } = await db.query(
    `UPDATE runs SET lease_until = clock_timestamp() + $3::integer * interval '1 millisecond'
     FROM unnest($1::uuid[], $2::uuid[]) AS held (run_id, token)
     WHERE runs.run_id = held.run_id AND runs.lease_token = held.token RETURNING runs.lease_token`,
    [leases.map(({ run_id }) => run_id), leases.map(({ lease_token }) => lease_token), ms],
  );
  return new Set(rows.map(({ lease_token }) => lease_token));
}

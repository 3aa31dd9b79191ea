import { randomUUID } from 'node:crypto';
import pg from 'pg';

const ADMIN_URI = process.env.TEST_DATABASE_URI!;

/** A database of its own for a test file. */
export interface TestDatabase {
  uri: string;
  pool: pg.Pool;
  drop(): Promise<void>;
}

/** Migrated, unless it is to be empty. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : 'nestgraph_template'}`);
  const uri = ADMIN_URI.replace('@/nestgraph?', `@/${name}?`);
  const pool = new pg.Pool({ connectionString: uri, max: 10 });
  // Connections that are just being closed are ended together with the database.
  pool.on('error', () => undefined);
  return {
    uri,
    pool,
    drop: async () => {
      // A connection that is still closing may hear of the DROP.
      pool.on('error', () => undefined);
      await pool.end();
      await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function asAdmin(sql: string): Promise<void> {
  const client = new pg.Client(ADMIN_URI);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

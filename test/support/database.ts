import { randomUUID } from 'node:crypto';
import pg from 'pg';

const ADMIN_URI = process.env.TEST_DATABASE_URI!;

/** A database of its own for a test file, migrated. */
export interface TestDatabase {
  uri: string;
  pool: pg.Pool;
  drop(): Promise<void>;
}

export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE nestgraph_template`);
  const uri = ADMIN_URI.replace('@/nestgraph?', `@/${name}?`);
  const pool = new pg.Pool({ connectionString: uri, max: 10 });
  return {
    uri,
    pool,
    drop: async () => {
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

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { askUntil } from './until.js';

const ADMIN_URI = process.env.TEST_DATABASE_URI!;

/** The database of one test file. */
export interface TestDatabase {
  uri: string;
  pool: pg.Pool;
  /** Another pool, like that of another process. It ends with the database. */
  newPool(): pg.Pool;
  drop(): Promise<void>;
}

/** Creates a migrated database, or an empty one. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : 'nestgraph_template'}`);
  const uri = ADMIN_URI.replace('@/nestgraph?', `@/${name}?`);
  const pools: pg.Pool[] = [];
  const newPool = (): pg.Pool => {
    const pool = new pg.Pool({ connectionString: uri, max: 10 });
    // DROP DATABASE ends sessions that are still closing.
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  };
  return {
    uri,
    pool: newPool(),
    newPool,
    drop: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Resolves when this number of sessions of a database waits for a lock. */
export async function untilWaitingForLocks({ pool }: { pool: pg.Pool }, sessions = 1): Promise<void> {
  const count = async (): Promise<number> => {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rowCount!;
  };
  await askUntil(count, (waiting) => waiting >= sessions);
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

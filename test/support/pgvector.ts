import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { runToEnd } from './server.js';

/** Folder with `initdb` and `pg_ctl` of a PostgreSQL with pgvector. */
const BIN = process.env.TEST_PGVECTOR_BIN;

/** PostgreSQL does not run as root. */
const ACCOUNT = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

export const hasPgvector = BIN !== undefined && BIN !== '';

/** Suffix for the names of tests that are skipped without pgvector. */
export const WITHOUT_PGVECTOR =
  'left out: TEST_PGVECTOR_BIN is not set to the bin folder of a PostgreSQL with pgvector, see .ci/run';

/** A migrated database on a server with pgvector. */
export interface PgvectorDatabase {
  uri: string;
  pool: pg.Pool;
  drop(): Promise<void>;
}

/** A server with pgvector, for one test file. */
export interface PgvectorServer {
  createDatabase(): Promise<PgvectorDatabase>;
  stop(): Promise<void>;
}

export async function startPgvector(): Promise<PgvectorServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'nestgraph-pgvector-'));
  await chmod(folder, 0o700);
  if (ACCOUNT) {
    await chown(folder, ACCOUNT.uid, ACCOUNT.gid);
  }
  const data = path.join(folder, 'data');
  run('initdb', ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C'], folder);
  const options = `-k ${folder} -c listen_addresses='' -c fsync=off -c max_connections=100`;
  run('pg_ctl', ['-D', data, '-o', options, '-l', path.join(folder, 'log'), '-w', 'start'], folder);
  const uriOf = (name: string): string => `postgres://postgres@/${name}?host=${encodeURIComponent(folder)}`;
  const admin = new pg.Pool({ connectionString: uriOf('postgres'), max: 1 });
  return {
    createDatabase: async () => {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await admin.query(`CREATE DATABASE ${name}`);
      const uri = uriOf(name);
      const { code, output } = await runToEnd(['migrate'], { database: { uri } });
      if (code !== 0) {
        throw new Error(output);
      }
      const pool = new pg.Pool({ connectionString: uri, max: 10 });
      pool.on('error', () => undefined);
      const drop = async (): Promise<void> => {
        await pool.end();
        await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      };
      return { uri, pool, drop };
    },
    stop: async () => {
      await admin.end();
      run('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop'], folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function run(program: string, args: string[], cwd: string): void {
  const { status, error, stderr } = spawnSync(path.join(BIN!, program), args, {
    ...ACCOUNT,
    cwd,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    // The started server must not inherit the pipes.
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw error ?? new Error(`${program} ended with ${status}: ${stderr}`);
  }
}

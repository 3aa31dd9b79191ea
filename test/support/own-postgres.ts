import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/index.js';
import type { AnyDatabase } from './cluster.js';
import { killIfThere, postgresOf } from './project.js';
import { runToEnd } from './server.js';
import { askUntil } from './until.js';

/** A migrated database on a dedicated PostgreSQL server, which can be killed. */
export interface OwnPostgres extends AnyDatabase {
  /** Sends SIGKILL to all its processes; resolves when they have ended. */
  kill(): Promise<void>;
  /** Restarts it with the committed data. */
  restart(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'nestgraph-own-'));
  // PostgreSQL does not run as root: its account must be able to enter the folder.
  await chmod(directory, 0o755);
  const guard = new URL('../../dist/src/database/embedded/guard.js', import.meta.url);
  const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ directory, log: () => undefined, guard });
  let server = await start();
  const { uri, data_directory } = server;
  await runToEnd(['migrate'], { database: { uri } });
  const pool = new pg.Pool({ connectionString: uri, max: 4 });
  // Its connections break with the server.
  pool.on('error', () => undefined);
  return {
    uri,
    pool,
    kill: async () => {
      (await postgresOf(data_directory)).forEach(killIfThere);
      await askUntil(
        () => postgresOf(data_directory),
        (pids) => pids.length === 0,
      );
    },
    restart: async () => {
      server = await start();
    },
    drop: async () => {
      await pool.end();
      await server.stop();
      await rm(data_directory, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

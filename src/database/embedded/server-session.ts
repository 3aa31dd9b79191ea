import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SUPERUSER } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import type { Postmaster } from './postmaster.js';

export const DATABASE = 'nestgraph';

/** A launcher keeps one session with this name from its start to its stop; other launchers see by it that they are not alone. */
const PRESENCE = 'nestgraph embedded';

/** A connected client; @types/pg lacks these two, which say whether it keeps this process alive. */
export type Session = pg.Client & { ref(): void; unref(): void };

const CLOSING_MS = 500;

/** The URI for `pg`, TypeORM and libpq. */
export function connectionUri({ host, port }: Postmaster, password: string, database = DATABASE): string {
  const credentials = `${SUPERUSER}:${encodeURIComponent(password)}`;
  return host.startsWith('/')
    ? `postgresql://${credentials}@/${database}?host=${encodeURIComponent(host)}&port=${port}&sslmode=disable`
    : `postgresql://${credentials}@${host}:${port}/${database}?sslmode=disable`;
}

/**
 * Opens the session that shows our presence, creating the database the first time.
 * Answers `undefined` when the server is not ready for sessions (recovering, ending, full, just gone): try again.
 */
export async function openPresence(server: Postmaster, password: string): Promise<Session | undefined> {
  try {
    return await connect(connectionUri(server, password));
  } catch (error) {
    if (hasErrorCode(error, '3D000')) {
      await createDatabase(connectionUri(server, password, 'postgres'));
      return undefined;
    }
    if (hasErrorCode(error, ...NOT_NOW)) {
      return undefined;
    }
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL (process ${server.pid}) refuses the connection: ${(error as Error).message}. ` +
        `If its password file was changed, put the original back, or move the folder away to begin with an empty database.`,
      { cause: error },
    );
  }
}

/** cannot_connect_now, admin_shutdown, crash_shutdown, too_many_connections; nobody listens (yet, or any more). */
const NOT_NOW = ['57P03', '57P01', '57P02', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'];

async function connect(connectionString: string): Promise<Session> {
  const client = new pg.Client({ connectionString, application_name: `${PRESENCE} ${process.pid}` });
  // Without a listener a server that crashes would take this process with it. The pools report it; here nothing is to do.
  client.on('error', () => undefined);
  await client.connect();
  return client as Session;
}

async function createDatabase(uri: string): Promise<void> {
  const client = await connect(uri);
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    if (!hasErrorCode(error, '42P04', '23505')) {
      throw error;
    }
  } finally {
    await client.end();
  }
}

/** Sessions of other Nestgraph processes. */
export interface Others {
  /** Presences among them: each has a process with a guard. */
  launchers: number;
  sessions: number;
}

/**
 * Sessions of other Nestgraph processes. Our own pools are closed by now, but a session stays listed for a moment
 * after its client has gone, so only what remains is another's. Another launcher's presence is enough.
 */
export async function othersPresent(presence: Session): Promise<Others> {
  const deadline = Date.now() + CLOSING_MS;
  let others = await countOthers(presence);
  while (others.launchers === 0 && others.sessions > 0 && Date.now() <= deadline) {
    await sleep(25);
    others = await countOthers(presence);
  }
  return others;
}

/** Those of this moment, among them some that are just ending. */
export async function countOthers(presence: Session): Promise<Others> {
  const { rows } = await presence.query<Others>(
    `SELECT count(*) FILTER (WHERE application_name LIKE '${PRESENCE}%')::int AS launchers, count(*)::int AS sessions
       FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name LIKE 'nestgraph%'`,
  );
  return rows[0];
}

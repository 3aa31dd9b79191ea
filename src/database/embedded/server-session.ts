import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SUPERUSER } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import type { Postmaster } from './postmaster.js';

export const DATABASE = 'nestgraph';

/** Name of a session that each launcher keeps open until it stops. Other launchers detect it by this session. */
const PRESENCE = 'nestgraph embedded';

/** A connected client. @types/pg lacks these two methods, which control whether the client keeps this process alive. */
export type Session = pg.Client & { ref(): void; unref(): void };

const CLOSE_TIMEOUT_MS = 500;

/** The connection URI for `pg`, TypeORM and libpq. */
export function connectionUri({ host, port }: Postmaster, password: string, database = DATABASE): string {
  const credentials = `${SUPERUSER}:${encodeURIComponent(password)}`;
  return host.startsWith('/')
    ? `postgresql://${credentials}@/${database}?host=${encodeURIComponent(host)}&port=${port}&sslmode=disable`
    : `postgresql://${credentials}@${host}:${port}/${database}?sslmode=disable`;
}

/**
 * Opens the presence session, and creates the database the first time. Returns undefined if the server does not accept
 * sessions at the moment (it recovers, stops, is full, or has just ended): the caller retries.
 */
export async function openPresence(server: Postmaster, password: string): Promise<Session | undefined> {
  try {
    return await connect(connectionUri(server, password));
  } catch (error) {
    if (hasErrorCode(error, '3D000')) {
      await createDatabase(connectionUri(server, password, 'postgres'));
      return undefined;
    }
    if (hasErrorCode(error, ...RETRYABLE_CODES)) {
      return undefined;
    }
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL (process ${server.pid}) refuses the connection: ${(error as Error).message}. ` +
        `If its password file was changed, restore the original, or move the folder away to start with an empty database.`,
      { cause: error },
    );
  }
}

/** cannot_connect_now, admin_shutdown, crash_shutdown, too_many_connections; no server listens. */
const RETRYABLE_CODES = ['57P03', '57P01', '57P02', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'];

async function connect(connectionString: string): Promise<Session> {
  const client = new pg.Client({ connectionString, application_name: `${PRESENCE} ${process.pid}` });
  // Without a listener, a crash of the server would end this process. The pools report the error.
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

/** Number of sessions of other Nestgraph processes. */
export interface OtherSessions {
  /** Presence sessions among them: each belongs to a process with a guard. */
  launchers: number;
  sessions: number;
}

/**
 * Counts the sessions of other Nestgraph processes. The pools of this process are closed, but a closed session stays listed
 * for a moment: only sessions that remain belong to other processes. Returns at once if another launcher is present.
 */
export async function waitForOtherSessions(presence: Session): Promise<OtherSessions> {
  const deadline = Date.now() + CLOSE_TIMEOUT_MS;
  let others = await countOtherSessions(presence);
  while (others.launchers === 0 && others.sessions > 0 && Date.now() <= deadline) {
    await sleep(25);
    others = await countOtherSessions(presence);
  }
  return others;
}

/** Counts the listed sessions, which may include closed ones. */
export async function countOtherSessions(presence: Session): Promise<OtherSessions> {
  const { rows } = await presence.query<OtherSessions>(
    `SELECT count(*) FILTER (WHERE application_name LIKE '${PRESENCE}%')::int AS launchers, count(*)::int AS sessions
       FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name LIKE 'nestgraph%'`,
  );
  return rows[0];
}

import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { findPostmaster, type Launch, launchPostmaster, type Postmaster } from './postmaster.js';
import { serverLogPath } from './server-log.js';
import { openPresence, type Session } from './server-session.js';

/** A server, and the session that keeps other processes from stopping it. */
export interface Connection {
  server: Postmaster;
  presence: Session;
}

/** Crash recovery takes a second or two, and so does the shutdown of a previous server. */
const START_TIMEOUT_MS = 60_000;

/** Connects to the running server, or starts one. The caller holds the start lock. Throws when `signal` aborts. */
export async function connectToServer(cluster: Cluster, signal?: AbortSignal): Promise<Connection> {
  const { location, log } = cluster;
  let launch: Launch | undefined;
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(5)) {
    signal?.throwIfAborted();
    const server = await findPostmaster(location.data);
    if (server?.ready) {
      const presence = await openPresence(server, cluster.password);
      if (presence !== undefined) {
        const origin = launch === undefined ? 'was running already' : 'is running';
        log(`The embedded PostgreSQL ${origin} (process ${server.pid}, data in ${location.data}).`);
        return { server, presence };
      }
    } else if (server === undefined) {
      launch = await launchUnlessStarting(launch, cluster);
    }
  }
  throw new EmbeddedPostgresError(
    `The embedded PostgreSQL did not accept connections within ${START_TIMEOUT_MS / 1000} seconds. ` +
      `See ${serverLogPath(location.home)}.`,
  );
}

/** Retries a launch that failed because of a previous server. Any other failure is final. */
async function launchUnlessStarting(launch: Launch | undefined, cluster: Cluster): Promise<Launch> {
  const { location } = cluster;
  const failure = await launch?.failure();
  if (launch === undefined) {
    return launchPostmaster(cluster);
  }
  if (failure === undefined) {
    return launch;
  }
  if (!PREDECESSOR.test(failure)) {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL could not start on ${location.data}. Fix the cause, or set DATABASE_URI. ` +
        `The end of ${serverLogPath(location.home)}:\n${failure}`,
    );
  }
  if (EMPTY_LOCK_FILE.test(failure)) {
    // A crash of the machine left this file. This process holds the start lock, so no other server is about to write it.
    await unlink(join(location.data, 'postmaster.pid'));
  }
  await sleep(200);
  return launchPostmaster(cluster);
}

const EMPTY_LOCK_FILE = /lock file "[^"]*" is empty/;
/** A server of another process that has just started, or children of a killed one that have not ended yet. */
const PREDECESSOR = /lock file "[^"]*" (already exists|is empty)|is still in use/;

import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { findPostmaster, type Launch, launchPostmaster, type Postmaster } from './postmaster.js';
import { serverLogPath } from './server-log.js';
import { openPresence, type Session } from './server-session.js';

/** A server, and what keeps other processes from stopping it until this one stops. */
export interface Connection {
  server: Postmaster;
  presence: Session;
}

/** Recovery after a crash takes a second or two; a server that is just stopping, about as long. */
const START_TIMEOUT_MS = 60_000;

/**
 * Joins the server that is running, or starts one. To be called with the start lock held; throws when `signal` aborts.
 */
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

/** A launch that failed because of a predecessor is repeated, any other failure is final. */
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
      `The embedded PostgreSQL could not start on ${location.data}. Remove the cause, or set DATABASE_URI. ` +
        `The end of ${serverLogPath(location.home)}:\n${failure}`,
    );
  }
  if (EMPTY_LOCK_FILE.test(failure)) {
    // Left by a crash of the whole machine. We hold the start lock, so no server is just about to write it.
    await unlink(join(location.data, 'postmaster.pid'));
  }
  await sleep(200);
  return launchPostmaster(cluster);
}

const EMPTY_LOCK_FILE = /lock file "[^"]*" is empty/;
/** Another process's server that has just begun, or children of a killed one that have not noticed yet. */
const PREDECESSOR = /lock file "[^"]*" (already exists|is empty)|is still in use/;

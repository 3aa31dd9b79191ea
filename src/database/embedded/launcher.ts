import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries, prepareBinaries } from './binaries.js';
import { clusterVersion, createCluster, readPassword } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { type Location, locateCluster, openHome } from './location.js';
import { findPostmaster, type Launch, launchPostmaster, type Postmaster, shutDownPostmaster } from './postmaster.js';
import { serverLogPath } from './server-log.js';
import { connectionUri, openPresence, othersArePresent, type Session } from './server-session.js';
import { withStartLock } from './start-lock.js';

export interface EmbeddedPostgresOptions {
  /** the project's own folder for what is not in version control: `<project>/.nestgraph` */
  directory: string;
  log: (message: string) => void;
}

/** A PostgreSQL server of this project, shared by all its Nestgraph processes. */
export interface EmbeddedPostgres {
  /** for `pg`: a Unix socket, or on Windows a port of 127.0.0.1 */
  uri: string;
  data_directory: string;
  /**
   * Stops the server, unless another Nestgraph process still uses it. Close your pools before. Answers when the server is gone;
   * further calls do nothing more.
   */
  stop(): Promise<void>;
}

interface Cluster {
  location: Location;
  binaries: Binaries;
  password: string;
  log: (message: string) => void;
}

interface Connection {
  server: Postmaster;
  /** keeps other processes from stopping the server, until this one stops */
  presence: Session;
}

/**
 * Starts the project's PostgreSQL server, or joins the one that is running already: of another process, or left behind by one
 * that was killed. The first time it makes the database.
 *
 * The server is not bound to this process's life. Whoever is the last to call `stop` ends it; after a kill the next start
 * finds it running.
 */
export async function startEmbeddedPostgres({ directory, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await openHome(directory);
  return withStartLock(home, async () => {
    const cluster = await openCluster(home, log);
    const { server, presence } = await connectToServer(cluster);
    // Without stop() the session must not keep this process alive.
    presence.unref();
    let stopped: Promise<void> | undefined;
    return {
      uri: connectionUri(server, cluster.password),
      data_directory: cluster.location.data,
      stop: () => (stopped ??= stop(cluster, presence)),
    };
  });
}

async function openCluster(home: string, log: (message: string) => void): Promise<Cluster> {
  const location = await locateCluster(home, log);
  const binaries = await prepareBinaries({ account: location.account, home, log });
  const exists = (await clusterVersion(location.data, binaries)) !== undefined;
  const password = await readPassword(home, { create: !exists });
  if (!exists) {
    log(`Creating a PostgreSQL database in ${location.data}.`);
    await createCluster(location, binaries, password);
  }
  return { location, binaries, password, log };
}

/** Recovery after a crash takes a second or two; a server that is just stopping, about as long. */
const START_TIMEOUT_MS = 60_000;

async function connectToServer(cluster: Cluster): Promise<Connection> {
  const { location, binaries, log } = cluster;
  let launch: Launch | undefined;
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(5)) {
    const server = await findPostmaster(location.data);
    if (server?.ready) {
      const presence = await openPresence(server, cluster.password);
      if (presence !== undefined) {
        const origin = launch === undefined ? 'was running already' : 'is running';
        log(`The embedded PostgreSQL ${origin} (process ${server.pid}, data in ${location.data}).`);
        return { server, presence };
      }
    } else if (server === undefined) {
      launch = await launchUnlessStarting(launch, location, binaries);
    }
  }
  throw new EmbeddedPostgresError(
    `The embedded PostgreSQL did not accept connections within ${START_TIMEOUT_MS / 1000} seconds. ` +
      `See ${serverLogPath(location.home)}.`,
  );
}

/** A launch that failed because of a predecessor is repeated, any other failure is final. */
async function launchUnlessStarting(
  launch: Launch | undefined,
  location: Location,
  binaries: Binaries,
): Promise<Launch> {
  const failure = await launch?.failure();
  if (launch === undefined) {
    return launchPostmaster(location, binaries);
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
  return launchPostmaster(location, binaries);
}

const EMPTY_LOCK_FILE = /lock file "[^"]*" is empty/;
/** Another process's server that has just begun, or children of a killed one that have not noticed yet. */
const PREDECESSOR = /lock file "[^"]*" (already exists|is empty)|is still in use/;

async function stop(cluster: Cluster, presence: Session): Promise<void> {
  // This process must not end before we are done.
  presence.ref();
  try {
    await withStartLock(cluster.location.home, () => leave(cluster, presence));
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) {
      throw error;
    }
    // The folder was deleted meanwhile. The server looks for its files once a minute and then ends by itself.
    await presence.end();
  }
}

/** Ends this process's presence, and the server if nobody else is there. */
async function leave({ location, binaries, password, log }: Cluster, presence: Session): Promise<void> {
  const server = await findPostmaster(location.data);
  const session = server && (await reopenIfBroken(presence, server, password));
  const alone = session !== undefined && !(await othersArePresent(session));
  await (session ?? presence).end().catch(() => undefined);
  if (server === undefined) {
    return;
  }
  if (alone) {
    await shutDownPostmaster(server, location, binaries);
    log(`The embedded PostgreSQL (process ${server.pid}) has stopped.`);
  } else {
    log(`The embedded PostgreSQL (process ${server.pid}) is left running for other Nestgraph processes.`);
  }
}

/** A crash of one of the server's processes ends all sessions; the server itself lives on. */
async function reopenIfBroken(presence: Session, server: Postmaster, password: string): Promise<Session | undefined> {
  try {
    await presence.query('SELECT 1');
    return presence;
  } catch {
    return openPresence(server, password);
  }
}

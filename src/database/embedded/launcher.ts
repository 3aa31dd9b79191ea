import { prepareBinaries } from './binaries.js';
import { type Cluster, clusterVersion, createCluster, readPassword } from './cluster.js';
import { connectToServer } from './connect.js';
import type { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { GuardProcess } from './guard-process.js';
import { releaseServer } from './release-server.js';
import { locateCluster, openHome } from './location.js';
import { connectionUri } from './server-session.js';
import { withStartLock } from './start-lock.js';
import { Supervisor } from './supervisor.js';

export interface EmbeddedPostgresOptions {
  /** The project's folder for unversioned files: `<project>/.nestgraph`. */
  directory: string;
  log: (message: string) => void;
  /** Called when the server has ended and repeated restarts failed. If absent, the server is not supervised. */
  onLost?: (error: EmbeddedPostgresError) => void;
  /** The compiled program of the guard, if this file itself is not compiled. */
  guard?: URL;
}

/** The PostgreSQL server of a project. All Nestgraph processes of the project share it. */
export interface EmbeddedPostgres {
  /** For `pg`: a Unix socket, or a port on 127.0.0.1 on Windows. */
  uri: string;
  data_directory: string;
  /** False while a supervised server restarts. */
  isRunning(): boolean;
  /**
   * Stops the server unless another Nestgraph process still uses it. The caller must close its pools first. Resolves when the
   * server has ended. Further calls have no effect.
   */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL server of the project, or connects to the one that another process started. The first start creates
 * the database. The last process that uses the server stops it: with `stop`, or, if the process ends otherwise, through its
 * guard (docs/decisions/0031-embedded-postgres.md).
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await openHome(options.directory);
  return withStartLock(home, async () => {
    const cluster = await openCluster(home, options.log);
    const guard = new GuardProcess(cluster, options.guard);
    try {
      const connection = await connectToServer(cluster);
      const supervisor = new Supervisor(cluster, connection, options.onLost);
      let stopped: Promise<void> | undefined;
      return {
        uri: connectionUri(connection.server, cluster.password),
        data_directory: cluster.location.data,
        isRunning: () => supervisor.isRunning,
        stop: () => (stopped ??= stop(cluster, supervisor, guard)),
      };
    } catch (error) {
      guard.takeOver();
      throw error;
    }
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

async function stop(cluster: Cluster, supervisor: Supervisor, guard: GuardProcess): Promise<void> {
  const presence = await supervisor.stop();
  // Keeps this process alive until the server has stopped.
  presence.ref();
  try {
    const outcome = await withStartLock(cluster.location.home, () => releaseServer(cluster, presence));
    if (outcome === 'used by sessions') {
      guard.takeOver();
    } else {
      guard.dismiss();
    }
  } catch (error) {
    guard.takeOver();
    if (!hasErrorCode(error, 'ENOENT')) {
      throw error;
    }
    // The folder was deleted. The server checks its files once a minute and then ends.
    await presence.end();
  }
}

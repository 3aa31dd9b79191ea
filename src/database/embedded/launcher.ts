import { prepareBinaries } from './binaries.js';
import { type Cluster, clusterVersion, createCluster, readPassword } from './cluster.js';
import { connectToServer } from './connect.js';
import type { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { GuardProcess } from './guard-process.js';
import { leaveServer } from './leaving.js';
import { locateCluster, openHome } from './location.js';
import { connectionUri } from './server-session.js';
import { withStartLock } from './start-lock.js';
import { Supervisor } from './supervisor.js';

export interface EmbeddedPostgresOptions {
  /** the project's own folder for what is not in version control: `<project>/.nestgraph` */
  directory: string;
  log: (message: string) => void;
  /** The server is started again when it ends; called when that fails repeatedly. Without it the server is not supervised. */
  onLost?: (error: EmbeddedPostgresError) => void;
  /** The guard's compiled program, when this file is not compiled. */
  guard?: URL;
}

/** A PostgreSQL server of this project, shared by all its Nestgraph processes. */
export interface EmbeddedPostgres {
  /** for `pg`: a Unix socket, or on Windows a port of 127.0.0.1 */
  uri: string;
  data_directory: string;
  /** False while a supervised server is being started again. */
  isRunning(): boolean;
  /**
   * Stops the server, unless another Nestgraph process still uses it. Close your pools before. Answers when the server is gone;
   * further calls do nothing more.
   */
  stop(): Promise<void>;
}

/**
 * Starts the project's PostgreSQL server, or joins the one that another process has started. The first time it makes the
 * database. The last process that uses the server stops it: with `stop`, or, however the process ends, by its guard
 * (docs/decisions/0031-embedded-postgres.md).
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
  // This process must not end before we are done.
  presence.ref();
  try {
    const outcome = await withStartLock(cluster.location.home, () => leaveServer(cluster, presence));
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
    // The folder was deleted meanwhile. The server looks for its files once a minute and then ends by itself.
    await presence.end();
  }
}

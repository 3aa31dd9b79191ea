import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, readPassword } from './cluster.js';
import { hasErrorCode } from './error-code.js';
import { findPostmaster, shutDownPostmaster } from './postmaster.js';
import { countOtherSessions, openPresence, waitForOtherSessions, type Session } from './server-session.js';
import { withStartLock } from './start-lock.js';

/** State of the server after a process released it: stopped, or still in use. */
export type ReleaseOutcome = 'stopped' | 'used by launchers' | 'used by sessions';

/** Ends the presence session, and the server if no other process uses it. The caller holds the start lock. */
export async function releaseServer(
  { location, binaries, password, log }: Cluster,
  presence: Session,
): Promise<ReleaseOutcome> {
  const server = await findPostmaster(location.data);
  const session = server && (await reopenIfBroken(presence, () => openPresence(server, password)));
  const others = session && (await waitForOtherSessions(session));
  await (session ?? presence).end().catch(() => undefined);
  if (server === undefined) {
    return 'stopped';
  }
  if (others?.sessions === 0) {
    await shutDownPostmaster(server, location, binaries);
    log(`The embedded PostgreSQL (process ${server.pid}) has stopped.`);
    return 'stopped';
  }
  log(`The embedded PostgreSQL (process ${server.pid}) is left running for other Nestgraph processes.`);
  return others && others.launchers > 0 ? 'used by launchers' : 'used by sessions';
}

/** A crash of one of the server's processes ends all sessions, but not the server. */
async function reopenIfBroken(
  presence: Session,
  open: () => Promise<Session | undefined>,
): Promise<Session | undefined> {
  try {
    await presence.query('SELECT 1');
    return presence;
  } catch {
    return open();
  }
}

/** A launched server writes its postmaster.pid within this time, even on an overloaded machine. */
const APPEAR_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 500;
/** An ending launcher stays listed for a moment: a launcher counts only after so many consecutive polls. */
const MIN_LAUNCHER_POLLS = 3;

/**
 * Stops the server of a Nestgraph process that has ended. Waits while other sessions use the server. Returns early if
 * another launcher uses it, because that one has its own guard.
 */
export async function stopAbandonedServer({
  location,
  binaries,
}: Pick<Cluster, 'location' | 'binaries'>): Promise<void> {
  const deadline = Date.now() + APPEAR_TIMEOUT_MS;
  let launcherPolls = 0;
  let isOver = false;
  while (!isOver) {
    const found = await pollServer({ location, binaries });
    launcherPolls = found === 'used by launchers' ? launcherPolls + 1 : 0;
    isOver =
      found === 'stopped' || launcherPolls >= MIN_LAUNCHER_POLLS || (found === 'absent' && Date.now() > deadline);
    await sleep(POLL_INTERVAL_MS);
  }
}

async function pollServer(cluster: Pick<Cluster, 'location' | 'binaries'>): Promise<ReleaseOutcome | 'absent'> {
  try {
    return await withStartLock(cluster.location.home, () => stopUnlessUsed(cluster));
  } catch (error) {
    // The folder was deleted. The server checks its files once a minute and then ends.
    return hasErrorCode(error, 'ENOENT') ? 'stopped' : 'used by sessions';
  }
}

async function stopUnlessUsed({
  location,
  binaries,
}: Pick<Cluster, 'location' | 'binaries'>): Promise<ReleaseOutcome | 'absent'> {
  const server = await findPostmaster(location.data);
  if (server === undefined) {
    return 'absent';
  }
  // A server that is not ready has no sessions, and the lock keeps other processes from waiting for it.
  if (server.ready) {
    const session = await openPresence(server, await readPassword(location.home, { create: false }));
    const others = session ? await countOtherSessions(session) : { launchers: 0, sessions: 1 };
    await session?.end();
    if (others.sessions > 0) {
      return others.launchers > 0 ? 'used by launchers' : 'used by sessions';
    }
  }
  await shutDownPostmaster(server, location, binaries);
  return 'stopped';
}

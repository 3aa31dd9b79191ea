import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, readPassword } from './cluster.js';
import { hasErrorCode } from './error-code.js';
import { findPostmaster, shutDownPostmaster } from './postmaster.js';
import { countOthers, openPresence, othersPresent, type Session } from './server-session.js';
import { withStartLock } from './start-lock.js';

/** How a process has left the server: it has stopped, or is still used by these. */
export type Leaving = 'stopped' | 'used by launchers' | 'used by sessions';

/** Ends this process's presence, and the server if no other process uses it. To be called with the start lock held. */
export async function leaveServer({ location, binaries, password, log }: Cluster, presence: Session): Promise<Leaving> {
  const server = await findPostmaster(location.data);
  const session = server && (await reopenIfBroken(presence, () => openPresence(server, password)));
  const others = session && (await othersPresent(session));
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

/** A crash of one of the server's processes ends all sessions; the server itself lives on. */
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

/** A server that was just launched shows itself within this time, also on a machine with too much to do. */
const APPEAR_MS = 10_000;
const POLL_INTERVAL_MS = 500;
/** Another launcher that is just ending is listed for a moment: only one that is seen so often in a row counts. */
const LAUNCHER_SIGHTINGS = 3;

/**
 * Stops the server of a Nestgraph process that has ended. Waits while other sessions use the server, and returns early
 * when another launcher does: that one has a guard of its own.
 */
export async function stopAbandonedServer({
  location,
  binaries,
}: Pick<Cluster, 'location' | 'binaries'>): Promise<void> {
  const deadline = Date.now() + APPEAR_MS;
  let sightings = 0;
  let isOver = false;
  while (!isOver) {
    const found = await lookAfter({ location, binaries });
    sightings = found === 'used by launchers' ? sightings + 1 : 0;
    isOver = found === 'stopped' || sightings >= LAUNCHER_SIGHTINGS || (found === 'absent' && Date.now() > deadline);
    await sleep(POLL_INTERVAL_MS);
  }
}

async function lookAfter(cluster: Pick<Cluster, 'location' | 'binaries'>): Promise<Leaving | 'absent'> {
  try {
    return await withStartLock(cluster.location.home, () => stopUnlessUsed(cluster));
  } catch (error) {
    // The folder was deleted: the server looks for its files once a minute and then ends by itself.
    return hasErrorCode(error, 'ENOENT') ? 'stopped' : 'used by sessions';
  }
}

async function stopUnlessUsed({
  location,
  binaries,
}: Pick<Cluster, 'location' | 'binaries'>): Promise<Leaving | 'absent'> {
  const server = await findPostmaster(location.data);
  if (server === undefined) {
    return 'absent';
  }
  // A server that is not ready has no sessions, and the lock keeps others from waiting for it.
  if (server.ready) {
    const session = await openPresence(server, await readPassword(location.home, { create: false }));
    const others = session ? await countOthers(session) : { launchers: 0, sessions: 1 };
    await session?.end();
    if (others.sessions > 0) {
      return others.launchers > 0 ? 'used by launchers' : 'used by sessions';
    }
  }
  await shutDownPostmaster(server, location, binaries);
  return 'stopped';
}

import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { hasEnded } from './processes.js';

/** A holder touches its lock this often; much older, and its pid has been given to some other program. */
const TOUCH_EVERY_MS = 5_000;
const STALE_AFTER_MS = 30_000;
const GIVE_UP_AFTER_MS = 180_000;

/** The locks this process holds. In a container every start may have the same pid, so the pid alone does not tell. */
const held = new Set<string>();

/**
 * Runs `work` while no other Nestgraph process starts or stops the server of this folder.
 *
 * Node has no flock, and a lock whose holder died must be taken over, which cannot be made airtight with files. It need not be:
 * the data directory appears by one rename, and PostgreSQL itself refuses a second postmaster. The lock saves the losing process
 * from doing the work twice, and keeps `stop` from overlooking someone who is just connecting.
 */
export async function withStartLock<T>(home: string, work: () => Promise<T>): Promise<T> {
  const file = join(home, 'start.lock');
  const token = await acquire(file);
  const touch = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), TOUCH_EVERY_MS);
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    held.delete(token);
    await removeIfStill(file, token);
  }
}

async function acquire(file: string): Promise<string> {
  const token = `${process.pid} ${randomUUID()}`;
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  while (!(await tryToCreate(file, token))) {
    const holder = await readFile(file, 'utf8').catch(() => undefined);
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `Process ${holder?.split(' ')[0]} has been starting or stopping the embedded PostgreSQL for ` +
          `${GIVE_UP_AFTER_MS / 1000} seconds. End that process, or remove ${file} if there is no such process.`,
      );
    }
    if (holder !== undefined && (await isStale(file, holder))) {
      await removeIfStill(file, holder);
    } else {
      await sleep(15);
    }
  }
  return token;
}

async function tryToCreate(file: string, token: string): Promise<boolean> {
  // Before the file is there: others in this process take a lock with our pid that is not held for a leftover.
  held.add(token);
  try {
    await writeFile(file, token, { flag: 'wx' });
    return true;
  } catch (error) {
    held.delete(token);
    if (hasErrorCode(error, 'EEXIST')) {
      return false;
    }
    throw error;
  }
}

async function isStale(file: string, holder: string): Promise<boolean> {
  const pid = Number(holder.split(' ')[0]);
  if (pid === process.pid) {
    return !held.has(holder);
  }
  // An empty file is one that its creator is about to write, or died before writing.
  if (pid > 0 && (await hasEnded(pid))) {
    return true;
  }
  const stats = await stat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > STALE_AFTER_MS;
}

async function removeIfStill(file: string, holder: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === holder) {
    await rm(file, { force: true });
  }
}

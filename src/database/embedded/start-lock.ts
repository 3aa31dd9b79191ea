import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { hasEnded } from './processes.js';

/** The holder touches its lock at this interval. If the lock is stale, another program reuses the holder's pid. */
const TOUCH_INTERVAL_MS = 5_000;
const STALE_TIMEOUT_MS = 30_000;
const ACQUIRE_TIMEOUT_MS = 180_000;

/** The locks of this process. In a container every start may have the same pid, so the pid does not identify the holder. */
const held = new Set<string>();

/**
 * Runs `work` while no other Nestgraph process starts or stops the server of this folder.
 *
 * Node has no flock, and the lock of a dead holder must be taken over, which is not atomic with files. It need not be: one
 * rename creates the data directory, and PostgreSQL itself rejects a second postmaster. The lock avoids duplicate work, and
 * keeps `stop` from missing a process that is about to connect.
 */
export async function withStartLock<T>(home: string, work: () => Promise<T>): Promise<T> {
  const file = join(home, 'start.lock');
  const token = await acquire(file);
  const touch = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), TOUCH_INTERVAL_MS);
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
  const deadline = Date.now() + ACQUIRE_TIMEOUT_MS;
  while (!(await tryToCreate(file, token))) {
    const holder = await readFile(file, 'utf8').catch(() => undefined);
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `Process ${holder?.split(' ')[0]} has been starting or stopping the embedded PostgreSQL for ` +
          `${ACQUIRE_TIMEOUT_MS / 1000} seconds. End that process, or remove ${file} if there is no such process.`,
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
  // Before the file exists: other calls in this process treat a lock with this pid as stale unless it is in `held`.
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
  // The creator of an empty file is about to write it, or died before.
  if (pid > 0 && (await hasEnded(pid))) {
    return true;
  }
  const stats = await stat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > STALE_TIMEOUT_MS;
}

async function removeIfStill(file: string, holder: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === holder) {
    await rm(file, { force: true });
  }
}

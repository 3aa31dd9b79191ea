import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { changeOwner, type ServerAccount } from './server-account.js';

const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 4_000;

export const serverLogPath = (home: string): string => join(home, 'server.log');

/** Opens the log for the next server. A log that is too long is rotated to `server.log.1`, replacing the previous one. */
export async function openServerLog(home: string, account: ServerAccount | undefined): Promise<FileHandle> {
  const path = serverLogPath(home);
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > MAX_BYTES) {
    await rename(path, `${path}.1`);
  }
  const log = await open(path, 'a', 0o600);
  // As root: the owner of the data may start the next server.
  await changeOwner(account, path);
  return log;
}

/** The last part of the log after position `start`. */
export async function readServerLog(home: string, start: number): Promise<string> {
  const log = await open(serverLogPath(home), 'r');
  try {
    const { size } = await log.stat();
    const position = Math.max(start, size - TAIL_BYTES);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, position);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await log.close();
  }
}

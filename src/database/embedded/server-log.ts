import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { giveTo, type ServerAccount } from './server-account.js';

const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 4_000;

export const serverLogPath = (home: string): string => join(home, 'server.log');

/** Opens the server's log for the next server. A long one is put aside as `server.log.1`, in place of the one before. */
export async function openServerLog(home: string, account: ServerAccount | undefined): Promise<FileHandle> {
  const path = serverLogPath(home);
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > MAX_BYTES) {
    await rename(path, `${path}.1`);
  }
  const log = await open(path, 'a', 0o600);
  // As root: the data's owner may be the one who starts the next time.
  await giveTo(account, path);
  return log;
}

/** The end of what was written since `start`. */
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

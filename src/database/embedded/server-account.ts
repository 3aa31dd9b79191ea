import type { Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The operating system account the server runs under. */
export interface ServerAccount {
  uid: number;
  gid: number;
}

/** `nobody` on every common system; any account but root would do, it needs no name and no home. */
const UNPRIVILEGED: ServerAccount = { uid: 65534, gid: 65534 };

/** Root may not run PostgreSQL, so only root needs another account for it. */
export const runsAsRoot = (): boolean => process.getuid?.() === 0;

/**
 * The account for the server of this data directory (`undefined`: the data is still to be made). Answers `undefined` when
 * it is simply the account of this process.
 *
 * Existing data decides: someone who once runs `sudo npm start` in a project of theirs must not lose access to it.
 */
export async function accountForData(dataDirectory: string | undefined): Promise<ServerAccount | undefined> {
  if (!runsAsRoot()) {
    return undefined;
  }
  const owner = dataDirectory === undefined ? undefined : await stat(dataDirectory);
  return owner === undefined || owner.uid === 0 ? UNPRIVILEGED : { uid: owner.uid, gid: owner.gid };
}

/** Gives a file, or a folder with all it contains, to the server's account. */
export async function giveTo(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account === undefined) {
    return;
  }
  const stats = await lstat(path);
  if (stats.isDirectory()) {
    for (const name of await readdir(path)) {
      await giveTo(account, join(path, name));
    }
  }
  // A link (a tablespace, say) points to what is not ours to give.
  if (!stats.isSymbolicLink()) {
    await chown(path, account.uid, account.gid);
  }
}

/** The first folder on the way to `path` (or `path` itself) that the account may not enter; `undefined` when none is. */
export async function closedFolder(path: string, account: ServerAccount | undefined): Promise<string | undefined> {
  if (account === undefined) {
    return undefined;
  }
  const parent = dirname(path);
  const above = parent === path ? undefined : await closedFolder(parent, account);
  return above ?? (allows(await stat(path), account, 'enter') ? undefined : path);
}

/** Makes a folder that other accounts may enter, whatever the umask is. One that exists is left as it is. */
export async function makeOpenFolder(path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true })) !== undefined) {
    await chmod(path, 0o755);
  }
}

const BITS = { enter: 0o1, execute: 0o1, read: 0o4 };

/** What the mode bits say; access control lists are not looked at. */
export function allows(stats: Stats, account: ServerAccount, action: keyof typeof BITS): boolean {
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0;
  return ((stats.mode >> shift) & BITS[action]) !== 0;
}

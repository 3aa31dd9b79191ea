import type { Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The operating system account of the server. */
export interface ServerAccount {
  uid: number;
  gid: number;
}

/** The unprivileged account of every common system. Any account but root works; it needs neither a name nor a home. */
const UNPRIVILEGED: ServerAccount = { uid: 65534, gid: 65534 };

/** PostgreSQL refuses to run as root, so only root needs another account for it. */
export const runsAsRoot = (): boolean => process.getuid?.() === 0;

/**
 * The account for the server of this data directory (undefined: it does not exist yet). Returns undefined for the account of
 * this process.
 *
 * The owner of existing data decides: a user who once runs `sudo npm start` must not lose access to the data.
 */
export async function accountForData(dataDirectory: string | undefined): Promise<ServerAccount | undefined> {
  if (!runsAsRoot()) {
    return undefined;
  }
  const owner = dataDirectory === undefined ? undefined : await stat(dataDirectory);
  return owner === undefined || owner.uid === 0 ? UNPRIVILEGED : { uid: owner.uid, gid: owner.gid };
}

/** Changes the owner of a file, or of a folder and its contents, to the server's account. */
export async function changeOwner(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account === undefined) {
    return;
  }
  const stats = await lstat(path);
  if (stats.isDirectory()) {
    for (const name of await readdir(path)) {
      await changeOwner(account, join(path, name));
    }
  }
  // The target of a link (such as a tablespace) may belong to another user.
  if (!stats.isSymbolicLink()) {
    await chown(path, account.uid, account.gid);
  }
}

/** The first folder in `path` (or `path` itself) that the account may not enter; undefined if it may enter all. */
export async function inaccessibleFolder(
  path: string,
  account: ServerAccount | undefined,
): Promise<string | undefined> {
  if (account === undefined) {
    return undefined;
  }
  const parent = dirname(path);
  const above = parent === path ? undefined : await inaccessibleFolder(parent, account);
  return above ?? (allows(await stat(path), account, 'enter') ? undefined : path);
}

/** Creates a folder that other accounts may enter, regardless of the umask. An existing folder is not changed. */
export async function makeAccessibleFolder(path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true })) !== undefined) {
    await chmod(path, 0o755);
  }
}

const BITS = { enter: 0o1, execute: 0o1, read: 0o4 };

/** Checks the mode bits; access control lists are ignored. */
export function allows(stats: Stats, account: ServerAccount, action: keyof typeof BITS): boolean {
  const shift = stats.uid === account.uid ? 6 : stats.gid === account.gid ? 3 : 0;
  return ((stats.mode >> shift) & BITS[action]) !== 0;
}

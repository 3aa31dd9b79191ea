import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, lstat, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import {
  accountForData,
  inaccessibleFolder,
  changeOwner,
  makeAccessibleFolder,
  runsAsRoot,
  type ServerAccount,
} from './server-account.js';

/** The location of a cluster, and the account that runs it. */
export interface Location {
  /** `<directory>/postgres`: the password, the log, the lock, and `data`. */
  home: string;
  /** Real path of the data directory: `<home>/data`, or the target of that link. */
  data: string;
  /** The server's account, if it is not the account of this process. */
  account: ServerAccount | undefined;
}

/** Creates `<directory>/postgres` and returns its real path. */
export async function openHome(directory: string): Promise<string> {
  try {
    await makeAccessibleFolder(directory);
    await makeAccessibleFolder(join(directory, 'postgres'));
    const home = await realpath(join(directory, 'postgres'));
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return home;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL cannot keep its data in ${directory}: ${(error as Error).message}. ` +
        `If another user (root?) created the folder, start as that user or change its owner. Or set DATABASE_URI.`,
      { cause: error },
    );
  }
}

/**
 * Finds the data directory, or decides its location. If the server's account cannot access `home`, the data is stored
 * elsewhere and `<home>/data` links to it. The link preserves the decision if permissions change, and shows users their data.
 */
export async function locateCluster(home: string, log: (message: string) => void): Promise<Location> {
  const data = await existingData(join(home, 'data'));
  const account = await accountForData(data);
  if (data !== undefined) {
    await checkAccess(data, account);
    return { home, data, account };
  }
  const closed = await inaccessibleFolder(home, account);
  if (account === undefined || closed === undefined) {
    return { home, data: join(home, 'data'), account };
  }
  const elsewhere = await makeDataFolderElsewhere(home, account);
  await symlink(elsewhere, join(home, 'data'));
  log(
    `PostgreSQL does not run as root, and other accounts may not enter ${closed}. ` +
      `The data of ${home} is kept in ${elsewhere}.`,
  );
  return { home, data: elsewhere, account };
}

async function existingData(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) {
      throw new EmbeddedPostgresError(
        `The database in ${path} is not accessible: ${(error as Error).message}. ` +
          `Another user, such as root, probably created it; start as that user.`,
        { cause: error },
      );
    }
  }
  // A dangling link (a new container with an old project folder) is removed.
  await rm(path, { force: true });
  return undefined;
}

async function checkAccess(data: string, account: ServerAccount | undefined): Promise<void> {
  const { uid, mode } = await lstat(data);
  const user = process.getuid?.();
  if (user !== undefined && !runsAsRoot() && uid !== user) {
    throw new EmbeddedPostgresError(
      `The database in ${data} belongs to uid ${uid}, but this process has uid ${user}. ` +
        `Start as that user or as root, or change the owner of the folder: chown -R ${user} ${data}`,
    );
  }
  if (account !== undefined && uid === 0) {
    await changeOwner(account, data);
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    // For example in a copy of a project. PostgreSQL requires this mode.
    await chmod(data, 0o700);
  }
  const closed = await inaccessibleFolder(data, account);
  if (closed !== undefined) {
    throw new EmbeddedPostgresError(
      `The server of ${data} runs as uid ${account?.uid}, which may not enter ${closed}. ` +
        `Permit it (chmod a+x ${closed}), or set DATABASE_URI.`,
    );
  }
}

/** A new folder each time: a user who deletes `.nestgraph` expects an empty database, and lost the old password. */
async function makeDataFolderElsewhere(home: string, account: ServerAccount): Promise<string> {
  const failures: string[] = [];
  for (const place of ['/var/lib/nestgraph', '/var/tmp', tmpdir()]) {
    try {
      await makeAccessibleFolder(place);
      if ((await inaccessibleFolder(await realpath(place), account)) === undefined) {
        const folder = await mkdtemp(join(place, `nestgraph-data-${hash(home)}-`));
        await changeOwner(account, folder);
        return join(folder, 'data');
      }
      failures.push(`${place} is not accessible`);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and there is no folder for its data that uid ${account.uid} can access ` +
      `(${failures.join('; ')}). Start as another user, or set DATABASE_URI.`,
  );
}

/** sun_path has 104 bytes on macOS and 108 on Linux, one of them for the final NUL. */
const MAX_SOCKET_PATH = 103;
/** Only part of the socket's name: clusters do not share socket folders. */
export const SOCKET_PORT = 5432;

const fitsSocket = (folder: string): boolean =>
  Buffer.byteLength(join(folder, `.s.PGSQL.${SOCKET_PORT}`)) <= MAX_SOCKET_PATH;

/** The folder of the socket: the data directory, which is private, or a private folder with a shorter path. */
export async function socketFolder({ data, account }: Pick<Location, 'data' | 'account'>): Promise<string> {
  if (fitsSocket(data)) {
    return data;
  }
  for (const place of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const folder = join(place, `nestgraph-${hash(data)}`);
    if (fitsSocket(folder) && (await inaccessibleFolder(await realpath(place), account)) === undefined) {
      return makePrivateFolder(folder, account);
    }
  }
  throw new EmbeddedPostgresError(
    `There is no folder for PostgreSQL's socket: the path ${data} is too long, and so are the temporary folders. ` +
      `Move the project to a shorter path, or set DATABASE_URI.`,
  );
}

async function makePrivateFolder(folder: string, account: ServerAccount | undefined): Promise<string> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) {
      throw error;
    }
    const stats = await lstat(folder);
    if (stats.isDirectory() && stats.uid === (account?.uid ?? process.getuid?.()) && (stats.mode & 0o077) === 0) {
      return folder;
    }
    // Another user created a folder with this name, perhaps to eavesdrop. Clients read the actual name from postmaster.pid.
    folder = await mkdtemp(`${folder}-`);
  }
  await chmod(folder, 0o700);
  await changeOwner(account, folder);
  return folder;
}

const hash = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 12);

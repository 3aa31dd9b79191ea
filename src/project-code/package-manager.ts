import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Each package manager's lock file, its command that adds packages, and the option that lets it add them to a workspace root. */
const MANAGERS: [lockfile: string, add: string, forRoot: string][] = [
  ['pnpm-lock.yaml', 'pnpm add', ' -w'],
  ['yarn.lock', 'yarn add', ' -W'],
  ['bun.lock', 'bun add', ''],
  ['bun.lockb', 'bun add', ''],
  ['package-lock.json', 'npm install', ''],
];

/** How Yarn 1 begins its lock file. Later versions have no option for the root. */
const YARN_1 = '# yarn lockfile v1';

/** The command that adds packages to the package in `folder`, by the nearest lock file; npm's without any. */
export function addCommand(folder: string): string {
  const [found] = foldersAbove(path.join(folder, 'package.json')).flatMap((above) =>
    MANAGERS.filter(([lockfile]) => existsSync(path.join(above, lockfile))).map((manager) => ({ above, manager })),
  );
  if (!found) {
    return 'npm install';
  }
  const [lockfile, add, forRoot] = found.manager;
  const isRoot = found.above === folder && isWorkspaceRoot(folder);
  const takesOption = lockfile !== 'yarn.lock' || readText(path.join(folder, lockfile)).includes(YARN_1);
  return isRoot && takesOption ? `${add}${forRoot}` : add;
}

/** The complete command, for an operator whose current folder is `project`: adds packages to the package in `home`. */
export function installCommand(home: string, project: string, packages: readonly string[]): string {
  const change = home === project ? '' : `cd ${path.relative(process.cwd(), home) || '.'} && `;
  return `${change}${addCommand(home)} ${packages.join(' ')}`;
}

/** The folder of the package that a source file belongs to: the project itself unless another package is nearer. */
export function packageOf(file: string, project: string): string {
  const home = INSTALLED.test(file)
    ? undefined
    : foldersAbove(file).find((folder) => existsSync(path.join(folder, 'package.json')));
  return home === undefined || isInside(project, home) ? project : home;
}

const INSTALLED = /[\\/]node_modules[\\/]/;

const isInside = (folder: string, other: string): boolean => !path.relative(other, folder).startsWith('..');

const isWorkspaceRoot = (folder: string): boolean =>
  existsSync(path.join(folder, 'pnpm-workspace.yaml')) || 'workspaces' in readManifest(folder);

/** What this code reads of a package.json. */
export interface ProjectManifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  /** Versions that a project forces on its dependencies: npm, bun; Yarn; pnpm. */
  overrides?: Record<string, unknown>;
  resolutions?: Record<string, unknown>;
  pnpm?: { overrides?: Record<string, unknown> };
  workspaces?: unknown;
}

/** The package.json of a folder; empty when it is missing or broken. */
export function readManifest(folder: string): ProjectManifest {
  try {
    return JSON.parse(readText(path.join(folder, 'package.json'))) as ProjectManifest;
  } catch {
    return {};
  }
}

const readText = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** The nearest one first. */
export function foldersAbove(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
}

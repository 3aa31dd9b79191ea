import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A package of the project is missing, or has a version that Nestgraph cannot work with. The process does not start. */
export class PeerVersionError extends Error {
  constructor(unfit: readonly Peer[]) {
    const needs = unfit.map(({ name, range, found }) => `${name} ${range} (the project has ${found ?? 'none'})`);
    const packages = unfit.map(({ name, range }) => `${name}@${range}`);
    super(`Nestgraph needs ${needs.join(' and ')}: run npm install ${packages.join(' ')}`);
    this.name = 'PeerVersionError';
  }
}

interface Peer {
  name: string;
  /** As package.json of Nestgraph has it: `^1.2.3`. */
  range: string;
  /** The version that LangGraph and the graphs use. */
  found?: string;
}

interface Manifest {
  version: string;
  peerDependencies?: Record<string, string>;
}

/**
 * Throws {@link PeerVersionError} unless the versions fit the peer dependencies of Nestgraph. npm checks them when it
 * installs, but can be told not to, and then an old package would execute what clients send. `entry` is a file of the
 * LangGraph in use. Must run before any of the packages is imported.
 */
export function checkPeers(entry: string | undefined): void {
  const { peerDependencies = {} } = ownManifest();
  const peers = Object.entries(peerDependencies).map(([name, range]): Peer => ({
    name,
    range,
    found: entry && versionAt(entry, name),
  }));
  const unfit = peers.filter(({ range, found }) => found === undefined || !satisfiesCaret(found, range));
  if (unfit.length > 0) {
    throw new PeerVersionError(unfit);
  }
}

/** True for the same major version and not an older one; a prerelease of the lowest version is older. */
export function satisfiesCaret(version: string, range: string): boolean {
  const [numbers, lowest] = [version, range.slice(1)].map((text) => text.split(/[-+]/, 1)[0].split('.').map(Number));
  if (numbers[0] !== lowest[0]) {
    return false;
  }
  const difference = numbers.map((number, at) => number - lowest[at]).find((each) => each !== 0) ?? 0;
  return difference > 0 || (difference === 0 && !version.includes('-'));
}

/** The version of a package as a file finds it. */
function versionAt(file: string, name: string): string | undefined {
  const manifest = foldersAbove(file)
    .map((folder) => path.join(folder, 'node_modules', name, 'package.json'))
    .find((candidate) => existsSync(candidate));
  return manifest && read(manifest).version;
}

/** The nearest package.json above this file: it lies deeper in `dist` than in the sources. */
function ownManifest(): Manifest {
  const manifests = foldersAbove(fileURLToPath(import.meta.url)).map((folder) => path.join(folder, 'package.json'));
  return read(manifests.find((candidate) => existsSync(candidate))!);
}

/** The nearest one first. */
function foldersAbove(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
}

const read = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest;

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartupError } from '../common/startup-error.js';
import { foldersAbove } from '../project-code/package-manager.js';
import { upgradeCommand } from './upgrade-command.js';

/** A peer dependency is missing, or its version is not supported. The process does not start. */
export class PeerVersionError extends StartupError {
  constructor(unfit: readonly Peer[], upgrade: string) {
    const needs = unfit.map(({ name, range, found }) => `${name} ${range} (${found ?? 'none is installed'})`);
    super(`Nestgraph needs ${needs.join(' and ')}: run ${upgrade}`);
  }
}

interface Peer {
  name: string;
  /** The range in package.json of Nestgraph: `^1.2.3`. */
  range: string;
  /** Version and folder of the package that LangGraph and the graphs use. */
  found?: string;
}

interface Manifest {
  version: string;
  peerDependencies?: Record<string, string>;
}

/** LangGraph 1.x imports `zod/v4`, which zod has from this version on. Version 4 has it, too. */
const ZOD = { name: 'zod', range: '^3.25.32' };
/** The last zod with the API of version 3: what a project that has an older one can use unchanged. */
const ZOD_UPGRADE = 'zod@3.25.76';

/**
 * Throws {@link PeerVersionError} unless the installed versions satisfy the peer dependencies of Nestgraph, and zod those of
 * LangGraph. Package managers check them on installation, but most of them only warn: an unsupported package would then
 * execute runs. `entry` is a file of the LangGraph in use. Must run before any of the packages is imported.
 */
export function checkPeers(entry: string | undefined, configFile: string): void {
  const { peerDependencies = {} } = ownManifest();
  const installed = Object.entries(peerDependencies).map(([name, range]) => ({
    name,
    range,
    manifest: entry && manifestOf(entry, name),
  }));
  const unfit = installed.filter(({ range, manifest }) => !manifest || !satisfiesCaret(read(manifest).version, range));
  const zod = entry && manifestOf(entry, ZOD.name);
  const oldZod = zod && isOldZod(read(zod).version) ? [{ ...ZOD, manifest: zod }] : [];
  if (unfit.length + oldZod.length > 0) {
    const peers = [...unfit, ...oldZod].map(({ name, range, manifest }) => ({
      name,
      range,
      found: manifest && describe(manifest),
    }));
    throw new PeerVersionError(peers, upgradeCommand(configFile, oldZod.length > 0 ? [ZOD_UPGRADE] : []));
  }
}

const isOldZod = (version: string): boolean => Number.parseInt(version) < 4 && !satisfiesCaret(version, ZOD.range);

const describe = (manifest: string): string => `${read(manifest).version} is installed in ${path.dirname(manifest)}`;

/** True for the same major version that is not older. A prerelease of the lowest version counts as older. */
export function satisfiesCaret(version: string, range: string): boolean {
  const [numbers, lowest] = [version, range.slice(1)].map((text) => text.split(/[-+]/, 1)[0].split('.').map(Number));
  if (numbers[0] !== lowest[0]) {
    return false;
  }
  const difference = numbers.map((number, at) => number - lowest[at]).find((each) => each !== 0) ?? 0;
  return difference > 0 || (difference === 0 && !version.includes('-'));
}

/** The package.json of a package, resolved from a file. Works without node_modules (Yarn's Plug'n'Play), too. */
function manifestOf(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

/** The nearest package.json above this file: `dist` is one level deeper than the sources. */
function ownManifest(): Manifest {
  const manifests = foldersAbove(fileURLToPath(import.meta.url)).map((folder) => path.join(folder, 'package.json'));
  return read(manifests.find((candidate) => existsSync(candidate))!);
}

const read = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest;

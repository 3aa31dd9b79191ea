import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';

const MODULES = path.resolve(import.meta.dirname, '../../node_modules');

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;

/** The peer dependencies, with the folders of their oldest versions. */
const OLDEST = {
  '@langchain/core': 'oldest-core',
  '@langchain/langgraph': 'oldest-langgraph',
  '@langchain/langgraph-checkpoint': 'oldest-langgraph-checkpoint',
};

/** The ranges that Nestgraph supports, and the versions that {@link installOldestPeers} installs. */
export const oldestPeers = (): [ranges: Manifest['peerDependencies'], versions: Record<string, string>] => [
  manifestOf(path.dirname(MODULES)).peerDependencies,
  Object.fromEntries(
    Object.entries(OLDEST).map(([name, alias]) => [name, manifestOf(path.join(MODULES, alias)).version]),
  ),
];

/** Installs copies of the oldest supported versions into a project. Their own dependencies are shared with this repository. */
export async function installOldestPeers(project: string): Promise<void> {
  const target = path.join(project, 'node_modules');
  await mkdir(path.join(target, '@langchain'), { recursive: true });
  const shared = new Set<string>(['zod']);
  for (const [name, alias] of Object.entries(OLDEST)) {
    const source = path.join(MODULES, alias);
    await cp(source, path.join(target, name), { recursive: true });
    for (const folder of [source, path.join(source, 'node_modules/@langchain/langgraph-sdk')]) {
      const dependencies = existsSync(folder) ? Object.keys(manifestOf(folder).dependencies ?? {}) : [];
      dependencies.forEach((dependency) => shared.add(dependency));
    }
  }
  for (const name of shared) {
    const source = path.join(MODULES, name);
    if (!(name in OLDEST) && existsSync(source)) {
      await mkdir(path.dirname(path.join(target, name)), { recursive: true });
      await symlink(source, path.join(target, name), 'dir');
    }
  }
}

import { realpathSync } from 'node:fs';
import path from 'node:path';
import { installedVersion } from '../../observability/index.js';

/** Packages of which the graphs and the server share one copy (src/module-hooks). */
const SHARED = ['@langchain/langgraph', '@langchain/core'] as const;

/** Caches, by package and by folder and package: a resolution takes as long as loading a small graph. */
const inUse = new Map<string, string | undefined>();
const foundFrom = new Map<string, string | undefined>();

/**
 * Throws when the file of a graph resolves a shared package to another version than the one in use. Otherwise the graph
 * would silently import a version that its author did not choose.
 */
export function assertSharedVersions(file: string): void {
  const real = realpathSync(file);
  for (const name of SHARED) {
    const used = remember(inUse, name, () => installedVersion(name));
    const found = remember(foundFrom, `${path.dirname(real)}\0${name}`, () => installedVersion(name, real));
    if (found !== undefined && found !== used) {
      throw new Error(
        `its package has ${name} ${found}, but the graphs before it in langgraph.json use ${used}. A server executes all ` +
          `graphs with one version. Install the same version for both, or run one server for each`,
      );
    }
  }
}

function remember<T>(memory: Map<string, T>, key: string, read: () => T): T {
  if (!memory.has(key)) {
    memory.set(key, read());
  }
  return memory.get(key) as T;
}

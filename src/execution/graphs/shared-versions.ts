import { realpathSync } from 'node:fs';
import path from 'node:path';
import { installedVersion } from '../../observability/index.js';

/** Packages of which graphs and server share one copy (src/module-hooks). */
const SHARED = ['@langchain/langgraph', '@langchain/core'] as const;

/** By package; by folder and package. Resolution costs as much as loading a small graph. */
const inUse = new Map<string, string | undefined>();
const foundFrom = new Map<string, string | undefined>();

/**
 * Throws when the file of a graph finds a shared package in another version than the one in use: imports of the graph would
 * silently get a version that its author did not choose.
 */
export function assertSharedVersions(file: string): void {
  const real = realpathSync(file);
  for (const name of SHARED) {
    const used = remember(inUse, name, () => installedVersion(name));
    const found = remember(foundFrom, `${path.dirname(real)}\0${name}`, () => installedVersion(name, real));
    if (found !== undefined && found !== used) {
      throw new Error(
        `its package has ${name} ${found}, and the graphs before it in langgraph.json use ${used}: one server executes ` +
          `graphs with one version. Install the same version for both, or run a server for each`,
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

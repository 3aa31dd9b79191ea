import { realpathSync } from 'node:fs';
import { installedVersion } from '../../observability/index.js';

/** Packages of which graphs and server share one copy (src/module-hooks). */
const SHARED = ['@langchain/langgraph', '@langchain/core'] as const;

/**
 * Throws when the file of a graph finds a shared package in another version than the one in use: imports of the graph would
 * silently get a version that its author did not choose.
 */
export function assertSharedVersions(file: string): void {
  for (const name of SHARED) {
    const inUse = installedVersion(name);
    const found = installedVersion(name, realpathSync(file));
    if (found !== undefined && found !== inUse) {
      throw new Error(
        `its package has ${name} ${found}, and the graphs before it in langgraph.json use ${inUse}: one server executes ` +
          `graphs with one version. Install the same version for both, or run a server for each`,
      );
    }
  }
}

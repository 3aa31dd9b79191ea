import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Missing in the types of Node 20. */
interface Node22Module {
  enableCompileCache?: (folder: string) => unknown;
}

/** `dist/src/cli` is three folders below the package. */
const PACKAGE_ROOT = path.resolve(fileURLToPath(import.meta.url), '../../../..');

/**
 * Caches the compiled code of modules, which makes the next start an eighth faster (Node 22 and later). Not in the shared
 * folder for temporary files, Node's default, because other users of the machine can write there. If the folder of the
 * package is read-only, nothing is cached.
 */
export function enableCompileCache(): void {
  (module as Node22Module).enableCompileCache?.(cacheFolder(PACKAGE_ROOT));
}

/** The usual cache folder of packages, in `node_modules`. In this repository, its own `node_modules`. */
function cacheFolder(root: string): string {
  const parent = path.dirname(root);
  const nodeModules = path.basename(parent) === 'node_modules' ? parent : path.join(root, 'node_modules');
  return path.join(nodeModules, '.cache', 'nestgraph', 'compiled');
}

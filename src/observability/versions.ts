import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const readVersion = (file: string): string => (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;

/** Finds the nearest package.json above this file. The depth differs between `dist` and the sources. */
function ownPackageJson(): string {
  const require = createRequire(import.meta.url);
  const start = path.dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      return require.resolve(path.join(folder, 'package.json'));
    } catch {
      // Continues in the parent folder.
    }
  }
  throw new Error(`No package.json above ${start}`);
}

/** Version of Nestgraph. */
export const NESTGRAPH_VERSION = readVersion(ownPackageJson());

let ofLanggraph: string | undefined;

/** Version of LangGraph in use, which is the project's own copy. */
export const langgraphVersion = (): string => (ofLanggraph ??= installedVersion('@langchain/langgraph')!);

/**
 * The version of a package as `from` resolves it, or by default of the copy in use; undefined when it is not installed.
 */
export function installedVersion(name: string, from?: string): string | undefined {
  const manifest = `${name}/package.json`;
  try {
    // Only `import` resolution runs the hooks that select the copy in use.
    return readVersion(from ? createRequire(from).resolve(manifest) : fileURLToPath(import.meta.resolve(manifest)));
  } catch {
    return undefined;
  }
}

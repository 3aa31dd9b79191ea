import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const readVersion = (file: string): string => (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;

/** The nearest package.json above this file: it lies deeper in `dist` than in the sources. */
function ownPackageJson(): string {
  const require = createRequire(import.meta.url);
  const start = path.dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      return require.resolve(path.join(folder, 'package.json'));
    } catch {
      // Further up.
    }
  }
  throw new Error(`No package.json above ${start}`);
}

/** Version of Nestgraph. */
export const NESTGRAPH_VERSION = readVersion(ownPackageJson());

let ofLanggraph: string | undefined;

/** Version of the LangGraph in use: the user's own copy. */
export const langgraphVersion = (): string => (ofLanggraph ??= installedVersion('@langchain/langgraph')!);

/** The version of a package as a file finds it, without the file the one in use; undefined when it finds none. */
export function installedVersion(name: string, from?: string): string | undefined {
  const manifest = `${name}/package.json`;
  try {
    // Only `import` knows the hooks that decide which copy is in use.
    return readVersion(from ? createRequire(from).resolve(manifest) : fileURLToPath(import.meta.resolve(manifest)));
  } catch {
    return undefined;
  }
}

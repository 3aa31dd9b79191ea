import { fileURLToPath } from 'node:url';
import type { SourceImport } from './import-source.js';
import { generationOf, generationUrl, sourceFile } from './source-file.js';
import { pathCandidates } from './tsconfig-paths.js';

/** The result of a resolve hook. Only the URL matters here. */
interface Resolved {
  url: string;
}

/** The resolution by the next hooks, including tsx. */
type Next<R> = (specifier: string) => R;

/** The module that has the import: its URL. */
interface Importer {
  generation: string;
  parent: string;
}

/** Called with each source file that a source imports. */
type OnSource = (source: SourceImport) => void;

/** Resolves an import in the main thread (`registerHooks`). */
export function resolveSourceSync<T extends Resolved>(
  specifier: string,
  parent: string | undefined,
  next: Next<T>,
  onSource: OnSource,
): T {
  const generation = generationOf(parent);
  if (parent === undefined || generation === undefined) {
    return next(specifier);
  }
  for (const candidate of pathCandidates(specifier, parent)) {
    try {
      return inGeneration({ generation, parent }, next(candidate), onSource);
    } catch {
      // Try the next candidate, and finally the specifier itself.
    }
  }
  return inGeneration({ generation, parent }, next(specifier), onSource);
}

/** The same in the hooks thread (`register`), where resolution is asynchronous. */
export async function resolveSource<T extends Resolved>(
  specifier: string,
  parent: string | undefined,
  next: Next<T | Promise<T>>,
  onSource: OnSource,
): Promise<T> {
  const generation = generationOf(parent);
  if (parent === undefined || generation === undefined) {
    return next(specifier);
  }
  for (const candidate of pathCandidates(specifier, parent)) {
    try {
      return inGeneration({ generation, parent }, await next(candidate), onSource);
    } catch {
      // See above.
    }
  }
  return inGeneration({ generation, parent }, await next(specifier), onSource);
}

/** A source file belongs to the generation of the file that imports it. Installed packages are evaluated only once. */
function inGeneration<T extends Resolved>({ generation, parent }: Importer, resolved: T, onSource: OnSource): T {
  const file = sourceFile(resolved.url);
  if (file === undefined) {
    return resolved;
  }
  onSource({ file, importer: fileURLToPath(parent), generation });
  return { ...resolved, url: generationUrl(file, generation, new URL(resolved.url).search) };
}

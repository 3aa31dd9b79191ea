import { fileURLToPath } from 'node:url';
import type { SourceImport } from './import-source.js';
import { generationOf, generationUrl, sourceFile } from './source-file.js';
import { pathCandidates } from './tsconfig-paths.js';

/** What a resolve hook returns, of which only the URL matters here. */
interface Resolved {
  url: string;
}

/** The resolution of the hooks behind this one, tsx among them. */
type Next<R> = (specifier: string) => R;

/** The module that has the import: its URL. */
interface Importer {
  generation: string;
  parent: string;
}

/** Called with each source file that a source imports. */
type OnSource = (source: SourceImport) => void;

/** Resolves an import in the application's own thread (`registerHooks`). */
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
      // The next candidate, and in the end the specifier as it is.
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
      // As above.
    }
  }
  return inGeneration({ generation, parent }, await next(specifier), onSource);
}

/** Source that a source imports belongs to the same generation. A module of an installed package is evaluated once. */
function inGeneration<T extends Resolved>({ generation, parent }: Importer, resolved: T, onSource: OnSource): T {
  const file = sourceFile(resolved.url);
  if (file === undefined) {
    return resolved;
  }
  onSource({ file, importer: fileURLToPath(parent), generation });
  return { ...resolved, url: generationUrl(file, generation, new URL(resolved.url).search) };
}

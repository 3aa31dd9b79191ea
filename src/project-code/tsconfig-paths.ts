import { fileURLToPath, pathToFileURL } from 'node:url';
import { createPathsMatcher, getTsconfig } from 'get-tsconfig';
import path from 'node:path';

type PathsMatcher = ReturnType<typeof createPathsMatcher>;

/** By folder, for the lifetime of the process: a changed tsconfig.json requires a restart. */
const matchers = new Map<string, PathsMatcher>();
const files = new Map<string, unknown>();

/**
 * Maps a specifier by the `paths` of the tsconfig.json nearest to the importing file. Returns URLs to try in this order. tsx
 * uses one tsconfig.json for the whole process; in a monorepo each package has its own.
 */
export function pathCandidates(specifier: string, parentURL: string): string[] {
  if (/^(\.|\/|[a-z]+:)/i.test(specifier)) {
    return [];
  }
  const matcher = matcherOf(path.dirname(fileURLToPath(parentURL)));
  return matcher ? matcher(specifier).map((file) => pathToFileURL(file).href) : [];
}

function matcherOf(folder: string): PathsMatcher {
  let matcher = matchers.get(folder);
  if (matcher === undefined) {
    matcher = readMatcher(folder);
    matchers.set(folder, matcher);
  }
  return matcher;
}

function readMatcher(folder: string): PathsMatcher {
  try {
    const tsconfig = getTsconfig(folder, 'tsconfig.json', files as Map<string, never>);
    return tsconfig && createPathsMatcher(tsconfig);
  } catch {
    // A base configuration is not installed: the compiler reports it to the author, and most sources do not need it.
    return null;
  }
}

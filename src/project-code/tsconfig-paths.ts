import { fileURLToPath, pathToFileURL } from 'node:url';
import { createPathsMatcher, getTsconfig } from 'get-tsconfig';
import path from 'node:path';

type PathsMatcher = ReturnType<typeof createPathsMatcher>;

/** By folder. They live as long as the process: a changed tsconfig.json asks for a new start. */
const matchers = new Map<string, PathsMatcher>();
const files = new Map<string, unknown>();

/**
 * What `paths` of the tsconfig.json nearest to the importing file make of a specifier, as URLs to try in their order. tsx knows
 * one tsconfig.json for the whole process; in a monorepo each package has its own.
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
    // A base configuration that is not installed: the compiler says so to the author, and most sources need none of it.
    return null;
  }
}

import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The compiled server. It is no source of a project, not even in a checkout of this repository. */
const OWN_CODE = fileURLToPath(new URL('../../', import.meta.url));

const TYPESCRIPT = /\.[cm]?tsx?$/;
const INSTALLED = /[\\/]node_modules[\\/]/;
const GENERATION = 'nestgraph';

/**
 * The real path of a module that is source code of the project: TypeScript, or a file outside every `node_modules`, such as a
 * linked workspace package. Undefined for installed packages, for modules of Node and for this server.
 */
export function sourceFile(url: string): string | undefined {
  if (!url.startsWith('file:')) {
    return undefined;
  }
  const file = realPath(fileURLToPath(url));
  return isSource(file) ? file : undefined;
}

/** True for a real path of source code, as above. */
export const isSource = (file: string): boolean =>
  path.isAbsolute(file) && !file.startsWith(OWN_CODE) && (TYPESCRIPT.test(file) || !INSTALLED.test(file));

/** The URL of a source file in one generation of modules: each generation evaluates it anew. */
export function generationUrl(file: string, generation: number | string, search = ''): string {
  const url = pathToFileURL(file);
  url.search = search;
  url.searchParams.set(GENERATION, String(generation));
  return url.href;
}

/** The generation that a module belongs to; undefined for modules outside the project's sources. */
export function generationOf(url: string | undefined): string | undefined {
  return url?.includes(`${GENERATION}=`) ? (new URL(url).searchParams.get(GENERATION) ?? undefined) : undefined;
}

/** The path itself when there is no such file. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

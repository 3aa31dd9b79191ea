import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The compiled server, which is not a source of the project, not even in a checkout of this repository. */
const OWN_CODE = fileURLToPath(new URL('../../', import.meta.url));

const TYPESCRIPT = /\.[cm]?tsx?$/;
const INSTALLED = /[\\/]node_modules[\\/]/;
const GENERATION = 'nestgraph';

/**
 * The real path of a module that is source code of the project: TypeScript, or any file outside of `node_modules`, such as a
 * file of a linked workspace package. Undefined for installed packages, Node's modules and this server.
 */
export function sourceFile(url: string): string | undefined {
  if (!url.startsWith('file:')) {
    return undefined;
  }
  const file = realPath(fileURLToPath(url));
  return isSource(file) ? file : undefined;
}

/** True for the real path of a source file, see {@link sourceFile}. */
export const isSource = (file: string): boolean =>
  path.isAbsolute(file) && !file.startsWith(OWN_CODE) && (TYPESCRIPT.test(file) || !INSTALLED.test(file));

/** The URL of a source file in a generation of modules. Each generation evaluates the file again. */
export function generationUrl(file: string, generation: number | string, search = ''): string {
  const url = pathToFileURL(file);
  url.search = search;
  url.searchParams.set(GENERATION, String(generation));
  return url.href;
}

/** The generation of a module; undefined for modules that are not sources of the project. */
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

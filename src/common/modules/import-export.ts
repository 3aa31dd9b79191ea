import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProblems, bundleModules } from './bundler.js';

/** An export of a file in a project. */
export interface ExportReference {
  /** Absolute. */
  file: string;
  export_name: string;
}

/** A file of the user, or the export that was named, cannot be used; the message says why. */
export class ModuleError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'ModuleError';
  }
}

/**
 * What a file of a project exports, a promise awaited. It is compiled beside the graphs of this process, whose registry
 * removes the folder when the process stops; `purpose` tells it from others. Throws {@link ModuleError}.
 */
export async function importExport(
  { file, export_name }: ExportReference,
  project_directory: string,
  purpose: string,
): Promise<unknown> {
  const module = await importFile(file, project_directory, purpose);
  const commonJs = module.default as Record<string, unknown> | undefined;
  const exported = await (module[export_name] ?? commonJs?.[export_name]);
  if (exported === undefined) {
    const names = Object.keys(module).join(', ') || 'nothing';
    throw new ModuleError(`it has no export "${export_name}"; it exports ${names}`);
  }
  return exported;
}

async function importFile(file: string, project_directory: string, purpose: string): Promise<Record<string, unknown>> {
  const outdir = path.join(project_directory, '.nestgraph', 'graphs', `${process.pid}-${purpose}`);
  try {
    await mkdir(outdir, { recursive: true });
    const { outputs } = await bundleModules([file], outdir, project_directory);
    return (await import(pathToFileURL(outputs.get(file)!).href)) as Record<string, unknown>;
  } catch (error) {
    const problems = buildProblems(error)?.map(({ text }) => text);
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new ModuleError(problems?.join('; ') ?? reason, error);
  }
}

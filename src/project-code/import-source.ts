import { access } from 'node:fs/promises';
import Module from 'node:module';
import path from 'node:path';
import { generationUrl, isSource } from './source-file.js';
import { registerSourceHooks } from './source-hooks.js';

type Exports = Record<string, unknown>;
type SourceListener = (source: SourceImport) => void;

/** The generation of modules that a start loads. */
export const FIRST_GENERATION = 1;

/** A file of the project cannot be imported, or has no such export; the message says why. */
export class ModuleError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'ModuleError';
  }
}

/** An export of a file in a project. */
export interface ExportReference {
  /** Absolute. */
  file: string;
  export_name: string;
}

/** An import of a source file. */
export interface SourceImport {
  file: string;
  /** The importing source file; absent when the server imports it. */
  importer?: string;
  generation: string;
}

interface CommonJsModule {
  children?: { filename: string | null }[];
}

/** Node's cache of CommonJS modules by file, which `import` uses, too. */
const { _cache: commonJs } = Module as unknown as { _cache: Record<string, CommonJsModule> };

const listeners = new Set<SourceListener>();

/** Calls the listener for each imported source file, including later `import()` calls. Returns the unsubscribe function. */
export function onSourceImported(listener: SourceListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const announce = (source: SourceImport): void => listeners.forEach((listener) => listener(source));

/**
 * Imports a source file in place, so that its imports resolve from its own folder. Each source is evaluated once per
 * `generation`; the next generation reads changed files again. Throws {@link ModuleError}.
 */
export async function importSource(file: string, generation = FIRST_GENERATION): Promise<Exports> {
  await access(file).catch(() => {
    throw new ModuleError(`the file ${file} does not exist`);
  });
  await registerSourceHooks(path.dirname(file), announce);
  announce({ file, generation: String(generation) });
  try {
    return (await import(generationUrl(file, generation))) as Exports;
  } catch (error) {
    throw new ModuleError(toMessage(error), error);
  } finally {
    announceCommonJs(String(generation));
  }
}

/** Hooks are not told which generation a CommonJS module is of, so what it requires is announced afterwards. */
function announceCommonJs(generation: string): void {
  for (const importer of listeners.size > 0 ? commonJsSources() : []) {
    announce({ file: importer, generation });
    const required = (commonJs[importer].children ?? []).map(({ filename }) => filename ?? '');
    required.filter(isSource).forEach((file) => announce({ file, importer, generation }));
  }
}

/** Lets the next generation re-evaluate CommonJS sources: Node caches them by file, regardless of their URL. */
export function forgetCommonJsSources(): void {
  for (const file of commonJsSources()) {
    delete commonJs[file];
  }
}

const commonJsSources = (): string[] => Object.keys(commonJs).filter(isSource);

/** Imports an export of a project file; awaits a promise. Throws {@link ModuleError}. */
export async function importExport({ file, export_name }: ExportReference, generation?: number): Promise<unknown> {
  return findExport(await importSource(file, generation), export_name);
}

/**
 * Returns an export by name; awaits a promise. In a CommonJS module it may be a property of the default export. Throws
 * {@link ModuleError}.
 */
export async function findExport(module: Exports, name: string): Promise<unknown> {
  const exported = await settled(module[name] ?? commonJsExports(module)?.[name]);
  if (exported === undefined) {
    const names = exportNames(module).join(', ') || 'nothing';
    throw new ModuleError(`it has no export "${name}"; it exports ${names}`);
  }
  return exported;
}

/** An export may be a promise. Its rejection is a failure of the module, as an error in its top level is. */
async function settled(exported: unknown): Promise<unknown> {
  try {
    return await exported;
  } catch (error) {
    throw new ModuleError(toMessage(error), error);
  }
}

function commonJsExports({ default: exports }: Exports): Exports | undefined {
  return typeof exports === 'object' && exports !== null ? (exports as Exports) : undefined;
}

/** Without `module.exports`, which newer versions of Node export in addition to `default`. */
function exportNames(module: Exports): string[] {
  return Object.keys({ ...module, ...commonJsExports(module) }).filter((name) => name !== 'module.exports');
}

const toMessage = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProblems, bundleModules } from '../common/index.js';
import type { CustomAppConfig } from '../config/index.js';
import { HttpAppLoadError } from './custom-app.errors.js';

/** What may be exported: an app like Hono's, an object with `fetch`, or a function. */
export type ExportedApp = FetchApp | FetchFunction;

export type FetchFunction = (request: Request) => unknown;

export interface FetchApp {
  fetch: FetchFunction;
}

/** Throws {@link HttpAppLoadError}. */
export async function loadApp({ file, export_name }: CustomAppConfig, projectDirectory: string): Promise<ExportedApp> {
  const fail = (reason: string, cause?: unknown) => new HttpAppLoadError(`${file}:${export_name}`, reason, cause);
  let module: Record<string, unknown>;
  try {
    module = await importSource(file, projectDirectory);
  } catch (error) {
    const problems = buildProblems(error)?.map(({ text }) => text);
    throw fail(problems?.join('; ') ?? String(error), error);
  }
  const commonJs = module.default as Record<string, unknown> | undefined;
  const exported = await (module[export_name] ?? commonJs?.[export_name]);
  if (exported === undefined) {
    throw fail(`it has no export "${export_name}"; it exports ${Object.keys(module).join(', ') || 'nothing'}`);
  }
  if (!isApp(exported)) {
    throw fail('expected an app with a method fetch(request), such as one of Hono, or a function that takes a request');
  }
  return exported;
}

const isApp = (value: unknown): value is ExportedApp =>
  typeof value === 'function' || typeof (value as Partial<FetchApp> | null)?.fetch === 'function';

/** Compiled beside the graphs of this process, whose registry removes the folder when the process stops. */
async function importSource(file: string, projectDirectory: string): Promise<Record<string, unknown>> {
  const outdir = path.join(projectDirectory, '.nestgraph', 'graphs', `${process.pid}-app`);
  await mkdir(outdir, { recursive: true });
  const { outputs } = await bundleModules([file], outdir, projectDirectory);
  return (await import(pathToFileURL(outputs.get(file)!).href)) as Record<string, unknown>;
}

import { importExport, ModuleError, reasonOf } from '../project-code/index.js';
import type { CustomAppConfig } from '../config/index.js';
import { HttpAppLoadError } from './custom-app.errors.js';

/** A valid export: a Hono app, an object with `fetch`, or a function. */
export type ExportedApp = FetchApp | FetchFunction;

export type FetchFunction = (request: Request) => unknown;

export interface FetchApp {
  fetch: FetchFunction;
}

/** Loads the app of `http.app`. Throws {@link HttpAppLoadError}. */
export async function loadApp(
  { file, export_name }: CustomAppConfig,
  project_directory: string,
  generation?: number,
): Promise<ExportedApp> {
  const fail = (reason: string, cause?: unknown) => new HttpAppLoadError(`${file}:${export_name}`, reason, cause);
  let exported: unknown;
  try {
    exported = await importExport({ file, export_name }, generation);
  } catch (error) {
    throw error instanceof ModuleError ? fail(reasonOf(error, project_directory), error) : error;
  }
  if (!isApp(exported)) {
    throw fail('expected an app with a method fetch(request), such as a Hono app, or a function that takes a request');
  }
  return exported;
}

const isApp = (value: unknown): value is ExportedApp =>
  typeof value === 'function' || typeof (value as Partial<FetchApp> | null)?.fetch === 'function';

import { loadExport } from '../project-code/index.js';
import type { CustomAppConfig } from '../config/index.js';
import { HttpAppLoadError } from './custom-app.errors.js';

/** A valid export: a Hono app, an object with `fetch`, or a function. */
export type ExportedApp = FetchApp | FetchFunction;

export type FetchFunction = (request: Request) => unknown;

export interface FetchApp {
  fetch: FetchFunction;
}

/** Loads the app of `http.app`. Throws {@link HttpAppLoadError}. */
export const loadApp = (app: CustomAppConfig, project_directory: string, generation?: number): Promise<ExportedApp> =>
  loadExport(app, {
    project_directory,
    generation,
    accept: (exported) => (isApp(exported) ? exported : undefined),
    expected: 'an app with a method fetch(request), such as a Hono app, or a function that takes a request',
    errorClass: HttpAppLoadError,
  });

const isApp = (value: unknown): value is ExportedApp =>
  typeof value === 'function' || typeof (value as Partial<FetchApp> | null)?.fetch === 'function';

import { type ExportReference, importExport } from './import-source.js';
import { reasonOf } from './load-failure.js';

export interface ExpectedExport<T> {
  project_directory: string;
  /** The generation of modules to load. Default: the first one. */
  generation?: number;
  /** Returns undefined for an export of another kind. */
  accept: (exported: unknown) => T | undefined;
  /** Completes the message "expected ...". */
  expected: string;
  /** The class of the error to throw. `location` is the file and the export; `reason` names the failing line. */
  errorClass: new (location: string, reason: string, cause?: unknown) => Error;
}

/** Imports an export of a project file and checks its kind. Throws errors of `errorClass` only. */
export async function loadExport<T>(
  { file, export_name }: ExportReference,
  { project_directory, generation, accept, expected, errorClass }: ExpectedExport<T>,
): Promise<T> {
  const location = `${file}:${export_name}`;
  let exported: unknown;
  try {
    exported = await importExport({ file, export_name }, generation);
  } catch (error) {
    throw new errorClass(location, reasonOf(error, project_directory), error);
  }
  const accepted = accept(exported);
  if (accepted === undefined) {
    throw new errorClass(location, `expected ${expected}`);
  }
  return accepted;
}

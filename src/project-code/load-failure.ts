import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleError } from './import-source.js';
import { installCommand, packageOf } from './package-manager.js';

/** Limits the chain of causes. */
const MAX_CAUSES = 5;

/** `at load (file:///project/src/agent.ts?nestgraph=1:12:3)`: the file and the line. */
const FRAME =
  /\(?(?:async )?((?:file:\/\/)?\/[^()\s]+?|(?:file:\/\/\/|\b)[A-Za-z]:[\\/][^()\s]+?)(?:\?[^:\s]*)?:(\d+):\d+\)?$/;

/** The location that esbuild prints for a compile error. */
const COMPILE_ERROR = /^(.+?):(\d+):\d+: ERROR: (.+)$/m;

/** The message of Node for an import that finds no package. Paths and `#imports` do not match. */
const MISSING_PACKAGE = /^Cannot find (?:package|module) '((?:@[\w.-]+\/)?[\w][\w.-]*)(?:\/[^']*)?'/;

/** The importing file, for ES modules and for CommonJS. */
const IMPORTER = /(?:imported from |Require stack:\n- )(?:file:\/\/)?([^?\n]+)/;

/** Explains why project code failed: every error of the chain, and the innermost stack frame in the project. */
export function reasonOf(error: unknown, project_directory: string): string {
  const errors = chainOf(error);
  const frame = errors.map((one) => projectFrame(one, project_directory)).find((found) => found !== undefined);
  const sentences =
    errors.length === 0 ? String(error) : errors.map((one) => sentenceOf(one, project_directory)).join('; caused by ');
  return frame ? `${sentences} (${frame})` : sentences;
}

/** The error and its causes, outermost first, without ModuleErrors that only wrap their cause. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one !== undefined && one !== null && chain.length < MAX_CAUSES && !chain.includes(one);) {
    const { cause } = one as { cause?: unknown };
    if (!(one instanceof ModuleError && cause !== undefined)) {
      chain.push(one);
    }
    one = cause;
  }
  return chain;
}

function sentenceOf(error: unknown, project_directory: string): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const [, file, line, reason] = COMPILE_ERROR.exec(error.message) ?? [];
  if (file !== undefined) {
    return `${path.relative(project_directory, file)}:${line}: ${reason}`;
  }
  const [, name] = MISSING_PACKAGE.exec(error.message) ?? [];
  if (name !== undefined) {
    const [, importer] = IMPORTER.exec(error.message) ?? [];
    return missingPackage(name, importer, project_directory);
  }
  return error instanceof ModuleError ? error.message : `${error.name}: ${error.message}`;
}

function missingPackage(name: string, importer: string | undefined, project_directory: string): string {
  const from = importer ? `${path.relative(project_directory, importer)} imports ${name}, which` : name;
  const home = importer ? packageOf(importer, project_directory) : project_directory;
  return `${from} is not installed: run ${installCommand(home, project_directory, [name])}`;
}

function projectFrame(error: unknown, project_directory: string): string | undefined {
  const { stack } = error as { stack?: unknown };
  for (const line of typeof stack === 'string' ? stack.split('\n') : []) {
    const [, location, number] = FRAME.exec(line.trim()) ?? [];
    const file = location?.startsWith('file:') ? fileURLToPath(location) : location;
    const relative = file === undefined ? undefined : path.relative(project_directory, file);
    if (relative && !relative.startsWith('..') && !relative.includes('node_modules')) {
      return `${relative}:${number}`;
    }
  }
  return undefined;
}

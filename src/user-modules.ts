import type { Type } from '@nestjs/common';
import { StartupError } from './common/index.js';
import { loadExport } from './project-code/index.js';
import type { NestgraphConfig } from './config/index.js';

/** A Nest module of `nest.modules` in langgraph.json is invalid. The server does not start. */
export class UserModuleError extends StartupError {
  constructor(module: string, reason: string, cause?: unknown) {
    super(`nest.modules of langgraph.json (${module}): ${reason}.`, { cause });
  }
}

/** Loads the Nest modules of the project, in order. Throws {@link UserModuleError}. */
export const loadUserModules = ({ nest_modules, project_directory }: NestgraphConfig): Promise<Type[]> =>
  Promise.all(
    nest_modules.map((reference) =>
      loadExport(reference, {
        project_directory,
        accept: (exported) => (typeof exported === 'function' ? (exported as Type) : undefined),
        expected: 'a class with @Module()',
        errorClass: UserModuleError,
      }),
    ),
  );

import type { Type } from '@nestjs/common';
import { importExport, ModuleError } from './project-code/index.js';
import type { NestgraphConfig } from './config/index.js';

/** A Nest module of `nest.modules` in langgraph.json is invalid. The server does not start. */
export class UserModuleError extends Error {
  constructor(module: string, reason: string, cause?: unknown) {
    super(`nest.modules of langgraph.json (${module}): ${reason}.`, { cause });
    this.name = 'UserModuleError';
  }
}

/** Loads the Nest modules of the project, in order. Throws {@link UserModuleError}. */
export function loadUserModules({ nest_modules }: NestgraphConfig): Promise<Type[]> {
  return Promise.all(
    nest_modules.map(async (reference) => {
      const fail = (reason: string, cause?: unknown) =>
        new UserModuleError(`${reference.file}:${reference.export_name}`, reason, cause);
      let exported: unknown;
      try {
        exported = await importExport(reference);
      } catch (error) {
        throw error instanceof ModuleError ? fail(error.message, error) : error;
      }
      if (typeof exported !== 'function') {
        throw fail('expected a class with @Module()');
      }
      return exported as Type;
    }),
  );
}

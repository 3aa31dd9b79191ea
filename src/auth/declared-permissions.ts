import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { PERMISSIONS } from '../http/index.js';
import { MissingPermissionError } from './auth.errors.js';

/** A module in Nest's container. */
type ModuleRecord = ModulesContainer extends Map<string, infer Module> ? Module : never;

/**
 * Throws {@link MissingPermissionError} if a route has neither `@Requires` nor `@Public`. The modules of `nest.modules` and
 * those that they import are not checked: their guards decide who may call their routes.
 */
export function assertPermissionsDeclared(container: ModulesContainer, userModules: readonly Type[]): void {
  const theirs = withImports([...container.values()].filter(({ metatype }) => userModules.includes(metatype)));
  const undeclared = [...container.values()]
    .filter((module) => !theirs.has(module))
    .flatMap(({ controllers }) => [...controllers.values()])
    .flatMap(({ metatype }) => undeclaredRoutes(metatype as Type));
  if (undeclared.length > 0) {
    throw new MissingPermissionError(undeclared);
  }
}

/** The modules and all that they import, directly or not. */
function withImports(modules: ModuleRecord[]): Set<ModuleRecord> {
  const reached = new Set(modules);
  // A set yields what is added while it is iterated.
  for (const { imports } of reached) {
    imports.forEach((module) => reached.add(module));
  }
  return reached;
}

function undeclaredRoutes(controller: Type): string[] {
  const prototype = controller.prototype as Record<string, object>;
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .filter((name) => Reflect.hasMetadata(METHOD_METADATA, prototype[name]))
    .filter((name) => !Reflect.hasMetadata(PERMISSIONS, prototype[name]))
    .map((name) => `${describeRoute(controller, prototype[name])} (${controller.name}.${name})`);
}

function describeRoute(controller: Type, handler: object): string {
  const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
  const segments = [controller, handler].map((part) => String(Reflect.getMetadata(PATH_METADATA, part) ?? ''));
  return `${method} ${`/${segments.join('/')}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')}`;
}

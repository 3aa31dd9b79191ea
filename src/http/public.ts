import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { extendRouteConfig } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests to this route need no credentials. */
    isPublic?: boolean;
  }
}

/** Metadata key of the permissions that a route requires: none on a public route. */
export const PERMISSIONS = 'nestgraph:permissions';

/** Documents the permissions of a route: `x-permission` in the OpenAPI document. */
export const ApiPermission = (permissions: readonly string[]): MethodDecorator =>
  ApiExtension('x-permission', permissions);

/** A route for which callers need neither credentials nor a permission. All other routes have `@Requires`. */
export const Public = (): MethodDecorator =>
  applyDecorators(SetMetadata(PERMISSIONS, []), ApiPermission([]), extendRouteConfig({ isPublic: true }));

/** Whether the route of a request is marked {@link Public}, regardless of the spelling of the URL. */
export const isPublic = ({ routeOptions }: Pick<FastifyRequest, 'routeOptions'>): boolean =>
  routeOptions.config?.isPublic === true;

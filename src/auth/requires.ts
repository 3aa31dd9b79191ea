import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiPermission, PERMISSIONS } from '../http/index.js';
import type { AuthEvent } from './auth-events.js';
import { DECIDER, type PathDecider, PathPermissionInterceptor } from './path-permission.interceptor.js';
import { PermissionGuard, permissionOf, type RoutePermission } from './permission.guard.js';

/**
 * The permission that a route requires, by the event that handlers of the auth module receive. With several, the first is
 * required, and others depending on the request. The permission is decided
 *
 * - by `decider` on the row that the path names, before the handler is called, or
 * - without `decider` by the handler, with the {@link Permission} that it passes on: where the auth module may change the
 *   fields of the request, or where a filter becomes a condition of a statement.
 *
 * No route can decide a permission that it does not list. The server does not start with a route that has neither this
 * decorator nor `@Public`.
 */
export function Requires(
  events: AuthEvent | [AuthEvent, ...AuthEvent[]],
  decider?: Type<PathDecider>,
): MethodDecorator {
  const permissions = [events].flat();
  return applyDecorators(
    SetMetadata(PERMISSIONS, permissions),
    ApiPermission(permissions),
    UseGuards(PermissionGuard),
    ...(decider ? [SetMetadata(DECIDER, decider), UseInterceptors(PathPermissionInterceptor)] : []),
  );
}

/** Injects the {@link RoutePermission} into a parameter of a route with {@link Requires}. */
export const Permission = createParamDecorator((_: unknown, context: ExecutionContext): RoutePermission =>
  permissionOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

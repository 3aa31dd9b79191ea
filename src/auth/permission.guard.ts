import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PERMISSIONS } from '../http/index.js';
import type { AuthEvent } from './auth-events.js';
import type { AuthContext } from './auth-user.js';
import { authOf } from './request-auth.js';

/** The caller of a route with the permission that the route requires. */
export interface RoutePermission<E extends AuthEvent = AuthEvent> extends AuthContext {
  readonly event: E;
}

/** Adds the permissions of the route to the caller, so that `AuthService` decides no others for this request. */
@Injectable()
export class PermissionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const requires = Reflect.getMetadata(PERMISSIONS, context.getHandler()) as AuthEvent[];
    request.auth = { ...authOf(request), requires };
    return true;
  }
}

/** The caller of a request that has passed the {@link PermissionGuard}, with the first permission of its route. */
export function permissionOf(request: Pick<FastifyRequest, 'auth'>): RoutePermission {
  const auth = authOf(request);
  const [event] = auth.requires ?? [];
  if (!event) {
    throw new Error('A route that uses its permission has @Requires.');
  }
  return { ...auth, event };
}

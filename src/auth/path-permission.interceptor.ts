import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { validateRequest } from '../http/index.js';
import { AuthService } from './auth.service.js';
import { permissionOf, type RoutePermission } from './permission.guard.js';

/** Metadata key of the {@link PathDecider} of a route. */
export const DECIDER = 'nestgraph:decider';

/** Decides a permission on the row that the path of a request names. */
export interface PathDecider {
  /** Throws `ForbiddenError`, or the error for a missing row. `params` are the validated path parameters. */
  decideOnPath(permission: RoutePermission, params: object): Promise<void>;
}

/**
 * Decides the permission of a route before its handler is called, when the permission depends on the path alone. An
 * interceptor and not a guard: it comes after the limits of the route and after the interceptors of `nest.modules`, which
 * see refusals like all other responses. An invalid request is refused as invalid for every caller.
 */
@Injectable()
export class PathPermissionInterceptor implements NestInterceptor {
  constructor(
    private readonly auth: AuthService,
    private readonly modules: ModuleRef,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const permission = permissionOf(context.switchToHttp().getRequest<FastifyRequest>());
    if (permission.user && this.auth.hasRules) {
      const decider = Reflect.getMetadata(DECIDER, context.getHandler()) as Type<PathDecider>;
      await this.modules.get(decider, { strict: false }).decideOnPath(permission, validateRequest(context));
    }
    return next.handle();
  }
}

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type AuthContext, NOBODY } from './auth-user.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who has sent the request; set before its body is read. */
    auth?: AuthContext;
    /** Its sender was not authenticated, for whatever reason. */
    isRefused?: boolean;
  }
}

/** The parameter of a route that says who is calling. */
export const Auth = createParamDecorator((_: unknown, context: ExecutionContext): AuthContext =>
  authOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Who has sent a request. */
export const authOf = ({ auth }: Pick<FastifyRequest, 'auth'>): AuthContext => auth ?? NOBODY;

import type { FastifyRequest } from 'fastify';
import { type AuthContext, ANONYMOUS } from './auth-user.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller; set before the body is read. */
    auth?: AuthContext;
    /** Authentication failed, for any reason. */
    authFailed?: boolean;
  }
}

/** The caller of a request. */
export const authOf = ({ auth }: Pick<FastifyRequest, 'auth'>): AuthContext => auth ?? ANONYMOUS;

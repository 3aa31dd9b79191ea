import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type {} from '../auth/index.js';

/** The key that a request is counted under: the user, or else the client address. */
export const callerKey = (request: Pick<FastifyRequest, 'ip' | 'auth'>): string =>
  request.auth?.user ? `user:${request.auth.user.identity}` : addressKey(request);

/** The client address; for IPv6 its network, because a client has many addresses there. */
export const addressKey = ({ ip }: Pick<FastifyRequest, 'ip'>): string => rateLimit.normalizeIP(ip);

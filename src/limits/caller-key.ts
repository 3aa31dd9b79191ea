import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type {} from '../auth/index.js';

/** Who a request counts for: the user, or else where it comes from. */
export const callerKey = (request: Pick<FastifyRequest, 'ip' | 'auth'>): string =>
  request.auth?.user ? `user:${request.auth.user.identity}` : addressKey(request);

/** The address, or its network where everybody has many of them (IPv6). */
export const addressKey = ({ ip }: Pick<FastifyRequest, 'ip'>): string => rateLimit.normalizeIP(ip);

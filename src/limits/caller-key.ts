import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type {} from '../auth/index.js';

/** Who a request counts for: the user, or else its address, or its network where everybody has many of them (IPv6). */
export const callerKey = ({ ip, auth }: Pick<FastifyRequest, 'ip' | 'auth'>): string =>
  auth?.user ? `user:${auth.user.identity}` : rateLimit.normalizeIP(ip);

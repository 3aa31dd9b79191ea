import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** Who a request counts for: its address, or its network where everybody has many of them (IPv6). */
export const callerKey = ({ ip }: Pick<FastifyRequest, 'ip'>): string => rateLimit.normalizeIP(ip);

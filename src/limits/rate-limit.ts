import rateLimit from '@fastify/rate-limit';
import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isInProcess, isUncounted } from '../http/index.js';
import type { LimitsConfig } from '../config/index.js';
import { callerKey } from './caller-key.js';
import { RateLimitedError } from './limits.errors.js';
import { RedisCounter } from './redis-counter.js';

const WINDOW_MS = 60_000;

/**
 * Registers the counter of {@link limitRequests} and `limitAuthFailures`. While Redis is unavailable, every request
 * passes: a limit must not cause an outage.
 */
export async function prepareLimits(
  fastify: FastifyInstance,
  { requests_per_minute, redis_uri }: LimitsConfig,
): Promise<void> {
  if (requests_per_minute === 0) {
    return;
  }
  const counter = redis_uri === undefined ? undefined : await RedisCounter.connect(redis_uri, new Logger('Limits'));
  await fastify.register(rateLimit, {
    global: false,
    max: requests_per_minute,
    timeWindow: WINDOW_MS,
    keyGenerator: callerKey,
    allowList: isExempt,
    errorResponseBuilder: (_request, { max, ttl }) => new RateLimitedError(max, Math.ceil(ttl / 1000)),
    skipOnError: true,
    ...(counter && { store: counter.store() }),
  });
  fastify.addHook('onClose', () => counter?.close());
}

/**
 * Counts the requests of each caller and refuses those above the limit with 429, including requests to routes that do
 * not exist. Call this after the hooks that may respond before it, for example CORS.
 */
export function limitRequests(fastify: FastifyInstance, { requests_per_minute }: LimitsConfig): void {
  if (requests_per_minute > 0) {
    fastify.addHook('onRequest', fastify.rateLimit());
  }
}

/** Whether the request is neither counted nor limited. */
export const isExempt = (request: FastifyRequest): boolean => isInProcess(request.raw) || isUncounted(request);

import rateLimit from '@fastify/rate-limit';
import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isInProcess, isUncounted } from '../common/index.js';
import type { LimitsConfig } from '../config/index.js';
import { callerKey } from './caller-key.js';
import { RateLimitedError } from './limits.errors.js';
import { RedisCounter } from './redis-counter.js';

const WINDOW_MS = 60_000;

/**
 * What the two limits below count with. A Redis that does not answer lets everybody pass: a limit is no reason for an
 * outage.
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
    allowList: isFree,
    errorResponseBuilder: (_request, { max, ttl }) => new RateLimitedError(max, Math.ceil(ttl / 1000)),
    skipOnError: true,
    ...(counter && { store: counter.store() }),
  });
  fastify.addHook('onClose', () => counter?.close());
}

/**
 * Counts the requests of each caller, and refuses those above the limit with 429: also those to routes that do not exist.
 * To be called when everything that answers before it, CORS for example, is registered.
 */
export function limitRequests(fastify: FastifyInstance, { requests_per_minute }: LimitsConfig): void {
  if (requests_per_minute > 0) {
    fastify.addHook('onRequest', fastify.rateLimit());
  }
}

/** Never counted, and never refused for coming too often. */
export const isFree = (request: FastifyRequest): boolean => isInProcess(request.raw) || isUncounted(request);

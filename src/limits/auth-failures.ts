import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isInProcess } from '../common/index.js';
import type { LimitsConfig } from '../config/index.js';
import { addressKey } from './caller-key.js';
import { RateLimitedError } from './limits.errors.js';
import { isFree } from './rate-limit.js';

/** Addresses that are remembered at most. */
const MOST_WAITING = 10_000;

/**
 * Ends the guessing of keys and tokens: an address whose requests were refused before their sender was known as often in a
 * minute as a caller may send requests waits for the rest of it, whatever it sends. Every refusal counts, on every route and
 * with every status, and so does each 401 of a custom app. Known callers pay nothing. To be called before callers are
 * authenticated, and before `limitRequests`.
 */
export function limitRefusals(fastify: FastifyInstance, { requests_per_minute }: LimitsConfig): void {
  if (requests_per_minute === 0) {
    return;
  }
  const waiting = new WaitingAddresses();
  const count = fastify.createRateLimit({
    keyGenerator: (request: FastifyRequest) => `refused:${addressKey(request)}`,
    allowList: (request: FastifyRequest) => isInProcess(request.raw),
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const left_ms = isFree(request) ? 0 : waiting.left(addressKey(request));
    done(left_ms > 0 ? new RateLimitedError(requests_per_minute, Math.ceil(left_ms / 1000)) : undefined);
  });
  fastify.addHook('onResponse', async (request, { statusCode }) => {
    if (statusCode === 401 || request.isRefused) {
      const counted = await count(request);
      if (!counted.isAllowed && counted.remaining === 0) {
        waiting.add(addressKey(request), counted.ttl);
      }
    }
  });
}

class WaitingAddresses {
  private readonly until = new Map<string, number>();

  add(address: string, ms: number): void {
    this.until.delete(address);
    this.until.set(address, performance.now() + ms);
    if (this.until.size > MOST_WAITING) {
      // The one that waits longest.
      this.until.delete(this.until.keys().next().value!);
    }
  }

  /** Milliseconds. */
  left(address: string): number {
    const left = (this.until.get(address) ?? 0) - performance.now();
    if (left <= 0) {
      this.until.delete(address);
    }
    return left;
  }
}

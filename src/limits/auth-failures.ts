import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isInProcess } from '../http/index.js';
import type { LimitsConfig } from '../config/index.js';
import { addressKey } from './caller-key.js';
import { RateLimitedError } from './limits.errors.js';
import { isExempt } from './rate-limit.js';

/** At most so many addresses are blocked at a time. */
const MAX_BLOCKED_ADDRESSES = 10_000;

/**
 * Protects API keys and tokens against guessing. An address whose authentication failed as often in a minute as a
 * caller may send requests is blocked for the rest of that minute, whatever it sends. Failed authentication counts on
 * every route and with every status, and so does each 401 of a custom app. Authenticated requests do not count. Call
 * this before callers are authenticated and before `limitRequests`.
 */
export function limitAuthFailures(fastify: FastifyInstance, { requests_per_minute }: LimitsConfig): void {
  if (requests_per_minute === 0) {
    return;
  }
  const blocked = new BlockedAddresses();
  const count = fastify.createRateLimit({
    keyGenerator: (request: FastifyRequest) => `refused:${addressKey(request)}`,
    allowList: (request: FastifyRequest) => isInProcess(request.raw),
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const remainingMs = isExempt(request) ? 0 : blocked.remainingMs(addressKey(request));
    done(remainingMs > 0 ? new RateLimitedError(requests_per_minute, Math.ceil(remainingMs / 1000)) : undefined);
  });
  fastify.addHook('onResponse', async (request, { statusCode }) => {
    if (statusCode === 401 || request.authFailed) {
      const counted = await count(request);
      if (!counted.isAllowed && counted.remaining === 0) {
        blocked.add(addressKey(request), counted.ttl);
      }
    }
  });
}

class BlockedAddresses {
  private readonly until = new Map<string, number>();

  add(address: string, ms: number): void {
    this.until.delete(address);
    this.until.set(address, performance.now() + ms);
    if (this.until.size > MAX_BLOCKED_ADDRESSES) {
      // Evicts the address that was blocked first.
      this.until.delete(this.until.keys().next().value!);
    }
  }

  /** Milliseconds until the address is unblocked; zero or less when it is not blocked. */
  remainingMs(address: string): number {
    const remaining = (this.until.get(address) ?? 0) - performance.now();
    if (remaining <= 0) {
      this.until.delete(address);
    }
    return remaining;
  }
}

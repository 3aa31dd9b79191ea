import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';
import type { Logger } from '@nestjs/common';
import type { createClient } from '@redis/client';

const PREFIX = 'nestgraph:requests:';

/** A request waits for Redis at most this long. */
const REDIS_TIMEOUT_MS = 500;

/** At most so many commands may wait for a reply; each request sends three. */
const MAX_QUEUED_COMMANDS = 30_000;

type Client = ReturnType<typeof createClient>;

type Counted = Parameters<FastifyRateLimitStore['incr']>[1];

/** Counts requests in Redis, shared by all processes. The plugin's own store needs another client library. */
export class RedisCounter {
  private constructor(private readonly client: Client) {}

  /**
   * Waits up to {@link REDIS_TIMEOUT_MS} for the connection. While Redis is unavailable, the client keeps reconnecting.
   */
  static async connect(uri: string, logger: Pick<Logger, 'warn'>): Promise<RedisCounter> {
    const client = await open(uri);
    let isUnavailable = false;
    client.on('error', (error: Error) => {
      if (!isUnavailable) {
        logger.warn(`Redis is unavailable, so requests are not counted: ${reasonOf(error)}`);
      }
      isUnavailable = true;
    });
    client.on('ready', () => (isUnavailable = false));
    // The error handler above has logged any failure.
    await withTimeout(client.connect()).catch(() => undefined);
    return new RedisCounter(client);
  }

  /** Increments the key in one transaction. The window of a key begins with its first request and is never extended. */
  async count(key: string, windowMs: number): Promise<{ current: number; ttl: number }> {
    if (!this.client.isReady) {
      throw new Error('Redis is unavailable');
    }
    const counted = this.client
      .multi()
      .set(PREFIX + key, 0, { expiration: { type: 'PX', value: windowMs }, condition: 'NX' })
      .incr(PREFIX + key)
      .pTTL(PREFIX + key)
      .exec();
    const [, current, ttl] = await withTimeout(counted);
    return { current: Number(current), ttl: Number(ttl) };
  }

  /** Returns a store class, which the plugin instantiates. */
  store(): FastifyRateLimitStoreCtor {
    const count = (key: string, windowMs: number) => this.count(key, windowMs);
    return class Store implements FastifyRateLimitStore {
      incr(key: string, counted: Counted, windowMs: number): void {
        count(key, windowMs).then((result) => counted(null, result), counted);
      }
      child(): FastifyRateLimitStore {
        return this;
      }
    };
  }

  close(): Promise<void> {
    return this.client.isOpen ? Promise.resolve(this.client.destroy()) : Promise.resolve();
  }
}

/** Commands fail at once while there is no connection, or when too many wait for their reply. */
async function open(url: string): Promise<Client> {
  // Imported on demand: a server without Redis does not load its six hundred modules.
  const { createClient } = await import('@redis/client');
  return createClient({ url, disableOfflineQueue: true, commandsQueueMaxLength: MAX_QUEUED_COMMANDS });
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const timeout = sleep(REDIS_TIMEOUT_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error(`Redis did not reply within ${REDIS_TIMEOUT_MS} ms`);
  });
  timeout.catch(() => undefined);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    done.abort();
  }
}

/** Omits the error message, because it may contain the URI with its password. */
const reasonOf = (error: Error & { code?: string }): string => error.code ?? error.name;

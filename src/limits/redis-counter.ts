import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';
import type { Logger } from '@nestjs/common';
import type { createClient } from '@redis/client';

const PREFIX = 'nestgraph:requests:';

/** Milliseconds that a request waits for Redis at most. */
const PATIENCE_MS = 500;

/** Commands that may wait for an answer, three for each request. */
const MOST_WAITING = 30_000;

type Client = ReturnType<typeof createClient>;

type Counted = Parameters<FastifyRateLimitStore['incr']>[1];

/** Counts in Redis, so that all processes count together. The plugin's own store speaks to another client library. */
export class RedisCounter {
  private constructor(private readonly client: Client) {}

  /** Gives Redis a moment; when it is away, it is tried again and again. */
  static async connect(uri: string, logger: Pick<Logger, 'warn'>): Promise<RedisCounter> {
    const client = await open(uri);
    let isAway = false;
    client.on('error', (error: Error) => {
      if (!isAway) {
        logger.warn(`Redis does not answer, requests are not counted: ${reasonOf(error)}`);
      }
      isAway = true;
    });
    client.on('ready', () => (isAway = false));
    // What fails has been told above.
    await withinPatience(client.connect()).catch(() => undefined);
    return new RedisCounter(client);
  }

  /** One more for this key, in one transaction: the time of a key begins with its first request and is never moved. */
  async count(key: string, windowMs: number): Promise<{ current: number; ttl: number }> {
    if (!this.client.isReady) {
      throw new Error('Redis is away');
    }
    const counted = this.client
      .multi()
      .set(PREFIX + key, 0, { expiration: { type: 'PX', value: windowMs }, condition: 'NX' })
      .incr(PREFIX + key)
      .pTTL(PREFIX + key)
      .exec();
    const [, current, ttl] = await withinPatience(counted);
    return { current: Number(current), ttl: Number(ttl) };
  }

  /** As the plugin wants it: a class that it makes an object of. */
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

/** Commands are refused while there is no connection, or too many wait for their answer. */
async function open(url: string): Promise<Client> {
  // Six hundred modules, which a server without Redis does not load.
  const { createClient } = await import('@redis/client');
  return createClient({ url, disableOfflineQueue: true, commandsQueueMaxLength: MOST_WAITING });
}

async function withinPatience<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timeUp = sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error('Redis takes too long to answer');
  });
  timeUp.catch(() => undefined);
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    late.abort();
  }
}

/** Without the address, which may hold a password. */
const reasonOf = (error: Error & { code?: string }): string => error.code ?? error.name;

import { Inject, Injectable } from '@nestjs/common';
import { BaseStore, type Item, type Operation as LanggraphOperation } from '@langchain/langgraph';
import type { JsonObject } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { retryWhileUnavailable } from '../database/index.js';
import { bypassBatchedStore } from './bypass-batched-store.js';
import { ItemStore } from './item-store.js';
import type { MatchCondition, Operation, OperationResult } from './operations.js';
import { assertOperation } from './validate.js';

type SearchItems = Awaited<ReturnType<BaseStore['search']>>;

/** TTL options for graphs, which LangGraph's BaseStore does not have. */
export interface ReadOptions {
  /** Whether the read restarts the time to live; the configured default when absent. */
  refreshTtl?: boolean;
}

export interface PutOptions {
  /** Minutes; null for an item that does not expire. */
  ttl?: number | null;
}

export interface SearchOptions extends ReadOptions {
  filter?: JsonObject;
  limit?: number;
  offset?: number;
  query?: string;
}

export interface ListNamespacesOptions {
  prefix?: string[];
  suffix?: string[];
  maxDepth?: number;
  limit?: number;
  offset?: number;
}

interface QueuedOperation {
  operation: Operation;
  resolve: (result: OperationResult) => void;
  reject: (error: unknown) => void;
}

/**
 * The store of graphs: LangGraph's BaseStore over the same items that clients access over HTTP. Operations of one event
 * loop turn are sent as one batch. While the database restarts, operations are retried, like those of runs.
 */
@Injectable()
export class PostgresStore extends BaseStore {
  private queue: QueuedOperation[] = [];

  constructor(
    private readonly items: ItemStore,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    super();
    bypassBatchedStore(PostgresStore);
  }

  /**
   * Executes a batch in one round trip. Reads see the items before the batch; of several puts of one item, the last one
   * wins.
   */
  override async batch<Op extends LanggraphOperation[]>(operations: Op): Promise<never> {
    return (await this.execute(operations)) as never;
  }

  override get(namespace: string[], key: string, { refreshTtl }: ReadOptions = {}): Promise<Item | null> {
    return this.enqueue<Item | null>({ namespace, key, refreshTtl });
  }

  override search(namespacePrefix: string[], options: SearchOptions = {}): Promise<SearchItems> {
    const { filter, limit, offset, query, refreshTtl } = options;
    return this.enqueue<SearchItems>({ namespacePrefix, filter, limit, offset, query, refreshTtl });
  }

  override async put(
    namespace: string[],
    key: string,
    value: Record<string, unknown>,
    index?: false | string[],
    { ttl }: PutOptions = {},
  ): Promise<void> {
    await this.enqueue({ namespace, key, value, index, ttl });
  }

  override async delete(namespace: string[], key: string): Promise<void> {
    await this.enqueue({ namespace, key, value: null });
  }

  override listNamespaces(options: ListNamespacesOptions = {}): Promise<string[][]> {
    const { prefix, suffix, maxDepth, limit, offset } = options;
    const matchConditions: MatchCondition[] = [
      ...(prefix ? [{ matchType: 'prefix' as const, path: prefix }] : []),
      ...(suffix ? [{ matchType: 'suffix' as const, path: suffix }] : []),
    ];
    return this.enqueue<string[][]>({ matchConditions, maxDepth, limit, offset });
  }

  private async enqueue<T>(operation: Operation): Promise<T> {
    // An invalid operation fails alone, before it joins a batch.
    assertOperation(operation);
    return new Promise<OperationResult>((resolve, reject) => {
      this.queue.push({ operation, resolve, reject });
      if (this.queue.length === 1) {
        setImmediate(() => void this.flush());
      }
    }) as Promise<T>;
  }

  private async flush(): Promise<void> {
    const batch = this.queue;
    this.queue = [];
    try {
      const results = await this.execute(batch.map(({ operation }) => operation));
      batch.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      if (batch.length === 1) {
        batch[0].reject(error);
      } else {
        await this.executeOneByOne(batch);
      }
    }
  }

  /** After a failed batch, executes each operation alone, so that only the failing ones reject. */
  private async executeOneByOne(batch: readonly QueuedOperation[]): Promise<void> {
    for (const { operation, resolve, reject } of batch) {
      await this.execute([operation]).then(([result]) => resolve(result), reject);
    }
  }

  /** Retries are safe, because executing a batch is idempotent. */
  private execute(operations: Operation[]): Promise<OperationResult[]> {
    return retryWhileUnavailable(this.config.queue.lease_ms, () => this.items.execute(operations));
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { BaseStore, type Item, type Operation as LanggraphOperation } from '@langchain/langgraph';
import type { JsonObject } from '../common/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { retryWhileUnavailable } from '../database/index.js';
import { letGraphsUseTheirStore } from './graph-stores.js';
import { ItemStore } from './item-store.js';
import type { MatchCondition, Operation, OperationResult } from './operations.js';
import { assertOperation } from './validate.js';

type SearchItems = Awaited<ReturnType<BaseStore['search']>>;

/** What graphs may say about an item's time to live, which LangGraph's BaseStore does not know. */
export interface ReadOptions {
  /** Whether it begins again; otherwise as the configuration says. */
  refreshTtl?: boolean;
}

export interface PutOptions {
  /** Minutes; null when the item stays. */
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

interface Waiting {
  operation: Operation;
  resolve: (result: OperationResult) => void;
  reject: (error: unknown) => void;
}

/**
 * The store as graphs see it: LangGraph's BaseStore on the same items that clients get over HTTP. Operations of one turn of
 * the event loop travel together. A restart of the database is waited for, as runs do.
 */
@Injectable()
export class PostgresStore extends BaseStore {
  private waiting: Waiting[] = [];

  constructor(
    private readonly items: ItemStore,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    super();
    letGraphsUseTheirStore(PostgresStore);
  }

  /** One round trip. Reads see what was there before the batch; of several puts of one item the last one counts. */
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
    // Refused alone: others that travel with it are none of its business.
    assertOperation(operation);
    return new Promise<OperationResult>((resolve, reject) => {
      this.waiting.push({ operation, resolve, reject });
      if (this.waiting.length === 1) {
        setImmediate(() => void this.flush());
      }
    }) as Promise<T>;
  }

  private async flush(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    try {
      const results = await this.execute(batch.map(({ operation }) => operation));
      batch.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      if (batch.length === 1) {
        batch[0].reject(error);
      } else {
        await this.oneByOne(batch);
      }
    }
  }

  /** What is wrong with one operation, or with what embeds its text, is not wrong with those that travelled with it. */
  private async oneByOne(batch: readonly Waiting[]): Promise<void> {
    for (const { operation, resolve, reject } of batch) {
      await this.execute([operation]).then(([result]) => resolve(result), reject);
    }
  }

  /** To carry a batch out a second time changes nothing. */
  private execute(operations: Operation[]): Promise<OperationResult[]> {
    return retryWhileUnavailable(this.config.queue.lease_ms, () => this.items.execute(operations));
  }
}

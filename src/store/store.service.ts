import { Injectable } from '@nestjs/common';
import type { Page } from '../common/index.js';
import { type Item, type SearchItem, toItem } from './dto/item.dto.js';
import type {
  StoreDeleteRequest,
  StoreGetQuery,
  StoreListNamespacesRequest,
  StorePutRequest,
  StoreSearchRequest,
} from './dto/store-requests.dto.js';
import { ItemStore } from './item-store.js';
import type { MatchCondition, Operation, StoredItem } from './operations.js';

/** The store as clients see it. */
@Injectable()
export class StoreService {
  constructor(private readonly items: ItemStore) {}

  async putItem({ namespace, key, value, index, ttl }: StorePutRequest): Promise<void> {
    await this.execute({ namespace, key, value, index, ttl });
  }

  /** Null when there is none. */
  async getItem({ namespace, key, refresh_ttl: refreshTtl }: StoreGetQuery): Promise<Item | null> {
    const item = await this.execute<StoredItem | null>({ namespace, key, refreshTtl });
    return item && toItem(item);
  }

  /** Also when there is none. */
  async deleteItem({ namespace, key }: StoreDeleteRequest): Promise<void> {
    await this.execute({ namespace, key, value: null });
  }

  /** One page. Counting all matches could take seconds: the total says only whether more may follow. */
  async searchItems(body: StoreSearchRequest): Promise<Page<SearchItem>> {
    const { namespace_prefix: namespacePrefix, filter, limit, offset, query, refresh_ttl: refreshTtl } = body;
    const operation = { namespacePrefix, filter, limit, offset, query, refreshTtl };
    const rows = (await this.execute<StoredItem[]>(operation)).map(toItem);
    return { rows, total: offset + rows.length + (rows.length === limit ? 1 : 0) };
  }

  listNamespaces({ prefix, suffix, max_depth, limit, offset }: StoreListNamespacesRequest): Promise<string[][]> {
    const matchConditions: MatchCondition[] = [
      ...(prefix ? [{ matchType: 'prefix' as const, path: prefix }] : []),
      ...(suffix ? [{ matchType: 'suffix' as const, path: suffix }] : []),
    ];
    return this.execute<string[][]>({ matchConditions, maxDepth: max_depth, limit, offset });
  }

  private async execute<T>(operation: Operation): Promise<T> {
    const [result] = await this.items.execute([operation]);
    return result as T;
  }
}

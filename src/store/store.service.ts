import { Injectable } from '@nestjs/common';
import { type AuthFilter, ForbiddenError, matches } from '../auth/index.js';
import type { Page } from '../http/index.js';
import { type Item, type SearchItem, toItem } from './dto/item.dto.js';
import type {
  StoreDeleteRequest,
  StoreGetQuery,
  StoreListNamespacesRequest,
  StorePutRequest,
  StoreSearchRequest,
} from './dto/store-requests.dto.js';
import { ItemNotFoundError } from './store.errors.js';
import { ItemStore } from './item-store.js';
import type { MatchCondition, Operation, StoredItem } from './operations.js';

/** The store of clients, over HTTP. */
@Injectable()
export class StoreService {
  constructor(private readonly items: ItemStore) {}

  /**
   * `visible` is a filter for the items that the caller may see and put. Throws ForbiddenError or {@link
   * ItemNotFoundError}.
   */
  async putItem({ namespace, key, value, index, ttl }: StorePutRequest, visible?: AuthFilter): Promise<void> {
    if (visible && !matches(visible, { ...value, namespace, key })) {
      throw new ForbiddenError();
    }
    if (visible && (await this.isHidden(namespace, key, visible))) {
      throw new ItemNotFoundError(namespace, key);
    }
    await this.execute({ namespace, key, value, index, ttl });
  }

  /** Null for a missing item. */
  async getItem(
    { namespace, key, refresh_ttl: refreshTtl }: StoreGetQuery,
    visible?: AuthFilter,
  ): Promise<Item | null> {
    if (visible && (await this.isHidden(namespace, key, visible))) {
      return null;
    }
    const item = await this.execute<StoredItem | null>({ namespace, key, refreshTtl });
    return item && toItem(item);
  }

  /** Succeeds for a missing item too. */
  async deleteItem({ namespace, key }: StoreDeleteRequest, visible?: AuthFilter): Promise<void> {
    if (visible && (await this.isHidden(namespace, key, visible))) {
      return;
    }
    await this.execute({ namespace, key, value: null });
  }

  /**
   * Returns one page. `total` only shows whether more items may follow, because counting all matches could take
   * seconds.
   */
  async searchItems(body: StoreSearchRequest, visible?: AuthFilter): Promise<Page<SearchItem>> {
    const { namespace_prefix: namespacePrefix, filter, limit, offset, query, refresh_ttl: refreshTtl } = body;
    const operation = { namespacePrefix, filter, limit, offset, query, refreshTtl, visible };
    const rows = (await this.execute<StoredItem[]>(operation)).map(toItem);
    return { rows, total: offset + rows.length + (rows.length === limit ? 1 : 0) };
  }

  listNamespaces(
    { prefix, suffix, max_depth, limit, offset }: StoreListNamespacesRequest,
    visible?: AuthFilter,
  ): Promise<string[][]> {
    const matchConditions: MatchCondition[] = [
      ...(prefix ? [{ matchType: 'prefix' as const, path: prefix }] : []),
      ...(suffix ? [{ matchType: 'suffix' as const, path: suffix }] : []),
    ];
    return this.execute<string[][]>({ matchConditions, maxDepth: max_depth, limit, offset, visible });
  }

  /** Whether the item exists but is hidden from this caller. */
  private async isHidden(namespace: string[], key: string, visible: AuthFilter): Promise<boolean> {
    const item = await this.execute<StoredItem | null>({ namespace, key, refreshTtl: false });
    return item !== null && !matches(visible, { ...item.value, namespace, key });
  }

  private async execute<T>(operation: Operation): Promise<T> {
    const [result] = await this.items.execute([operation]);
    return result as T;
  }
}

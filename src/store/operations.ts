import type { AuthFilter } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import type { Namespace } from './namespace.js';

/** The operations of LangGraph's BaseStore, with the fields that the API adds. */
export interface GetOperation {
  namespace: Namespace;
  key: string;
  /** Whether the read restarts the time to live; undefined for the configured default. */
  refreshTtl?: boolean;
}

export interface PutOperation {
  namespace: Namespace;
  key: string;
  /** Null deletes the item. */
  value: JsonObject | null;
  /** The paths of the texts that semantic search compares; false for none, undefined for the configured paths. */
  index?: false | readonly string[] | null;
  /** Minutes; null for an item that does not expire, undefined for the configured default. */
  ttl?: number | null;
}

export interface SearchOperation {
  namespacePrefix: Namespace;
  filter?: JsonObject;
  limit?: number;
  offset?: number;
  query?: string;
  refreshTtl?: boolean;
  /** The items that the caller may see; all when undefined. */
  visible?: AuthFilter;
}

export interface MatchCondition {
  matchType: 'prefix' | 'suffix';
  /** Labels; `*` matches any label. */
  path: Namespace;
}

export interface ListNamespacesOperation {
  matchConditions?: readonly MatchCondition[];
  maxDepth?: number;
  limit?: number;
  offset?: number;
  /** Only namespaces of items that the caller may see. */
  visible?: AuthFilter;
}

export type Operation = GetOperation | PutOperation | SearchOperation | ListNamespacesOperation;

/** An item as graphs receive it. */
export interface StoredItem {
  namespace: string[];
  key: string;
  value: JsonObject;
  createdAt: Date;
  updatedAt: Date;
  /** Similarity to the query, at most 1. */
  score?: number;
}

export type OperationResult = StoredItem | null | StoredItem[] | string[][] | undefined;

export const isPut = (operation: Operation): operation is PutOperation => 'value' in operation;
export const isSearch = (operation: Operation): operation is SearchOperation => 'namespacePrefix' in operation;
export const isGet = (operation: Operation): operation is GetOperation => 'key' in operation && !isPut(operation);

export const DEFAULT_LIMIT = 10;
export const DEFAULT_NAMESPACES = 100;

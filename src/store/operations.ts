import type { AuthFilter } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import type { Namespace } from './namespace.js';

/** The operations of LangGraph's BaseStore, in its words, with what the API adds to them. */
export interface GetOperation {
  namespace: Namespace;
  key: string;
  /** Whether its time to live begins again; undefined as the configuration says. */
  refreshTtl?: boolean;
}

export interface PutOperation {
  namespace: Namespace;
  key: string;
  /** Null removes the item. */
  value: JsonObject | null;
  /** Which texts semantic search compares: none, those at these paths, or (undefined) those that the configuration names. */
  index?: false | readonly string[] | null;
  /** Minutes; null when it stays, undefined as the configuration says. */
  ttl?: number | null;
}

export interface SearchOperation {
  namespacePrefix: Namespace;
  filter?: JsonObject;
  limit?: number;
  offset?: number;
  query?: string;
  refreshTtl?: boolean;
  /** Which items the caller may see; all when undefined. */
  visible?: AuthFilter;
}

export interface MatchCondition {
  matchType: 'prefix' | 'suffix';
  /** Labels; `*` stands for any. */
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

/** An item as graphs get it. */
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

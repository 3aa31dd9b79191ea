import { type JsonObject } from '../../common/index.js';
import {
  Custom,
  CustomOrNull,
  Filter,
  BooleanField,
  FromQueryDotted,
  FromQueryFlag,
  FromQueryString,
  Limit,
  Offset,
  StringField,
  IntegerField,
} from '../../http/index.js';
import {
  isItemNamespace,
  isKey,
  isNamespace,
  ITEM_NAMESPACE_MESSAGE,
  KEY_MESSAGE,
  NAMESPACE_MESSAGE,
} from '../namespace.js';
import { INDEX_MESSAGE, INDEX_SCHEMA, isIndex } from '../text-paths.js';
import { isTtl, TTL_MESSAGE, TTL_SCHEMA } from '../ttl.js';
import { isValue, VALUE_MESSAGE } from '../validate.js';

const LABELS = { type: 'array', items: { type: 'string' } };

const isNotEmpty = (value: unknown): boolean => isNamespace(value) && value.length > 0;
const NOT_EMPTY_MESSAGE = `${NAMESPACE_MESSAGE}; at least one label`;

/** Body of "put an item" (contract 1.4). */
export class StorePutRequest {
  /** Labels of the namespace, without dots; the first one must not be `langgraph`. */
  @Custom(LABELS, ITEM_NAMESPACE_MESSAGE, isItemNamespace, { required: true })
  namespace: string[];
  /** Key within the namespace; may be empty. */
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true })
  key: string;
  /** Value of the item; replaces an existing value. */
  @Custom({ type: 'object', additionalProperties: true }, VALUE_MESSAGE, isValue, { required: true })
  value: JsonObject;
  /** Paths of the texts that semantic search compares; `false` for none, the configured paths when absent. */
  @Custom(INDEX_SCHEMA, INDEX_MESSAGE, isIndex)
  index?: false | string[];
  /** Time to live in minutes; null for an item that does not expire, the configured default when absent. */
  @CustomOrNull(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: number | null;
}

/** Query of "get an item". */
export class StoreGetQuery {
  /** Labels of the namespace, joined by dots or as repeated parameters. */
  @FromQueryDotted()
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace)
  namespace: string[] = [];
  /** Key within the namespace. */
  @FromQueryString()
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true, example: 'likes' })
  key: string;
  /** Whether the read restarts the time to live; the configured default when absent. */
  @FromQueryFlag()
  @BooleanField()
  refresh_ttl?: boolean;
}

/** Body of "delete an item". */
export class StoreDeleteRequest {
  /** Labels of the namespace. */
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace)
  namespace: string[] = [];
  /** Key within the namespace. */
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true })
  key: string;
}

/** Body of "search items". */
export class StoreSearchRequest {
  /** First labels of the namespaces to search; an empty list searches all items. */
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace, { required: true })
  namespace_prefix: string[];
  /**
   * Conditions on members of the value: a value to equal, or `{"$gt": 4}` with `$eq`, `$ne`, `$gt`, `$gte`, `$lt`,
   * `$lte`, `$in`, `$nin`.
   */
  @Filter()
  filter?: JsonObject;
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Query of a semantic search; ignored when the store has no index. */
  @StringField()
  query?: string;
  /** Whether the search restarts the time to live of the items it returns; the configured default when absent. */
  @BooleanField()
  refresh_ttl?: boolean;
}

/** Body of "list namespaces". */
export class StoreListNamespacesRequest {
  /** First labels of the namespaces; `*` matches any label. */
  @Custom(LABELS, NOT_EMPTY_MESSAGE, isNotEmpty)
  prefix?: string[];
  /** Last labels of the namespaces; `*` matches any label. */
  @Custom(LABELS, NOT_EMPTY_MESSAGE, isNotEmpty)
  suffix?: string[];
  /** Truncates namespaces to this number of labels, and returns each result once. */
  @IntegerField({ minimum: 1, maximum: 1_000 })
  max_depth?: number;
  @Limit(100)
  limit = 100;
  @Offset()
  offset = 0;
}

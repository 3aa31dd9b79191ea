import {
  Custom,
  CustomOrNull,
  Filter,
  Flag,
  FromQueryDotted,
  FromQueryFlag,
  FromQueryString,
  type JsonObject,
  Limit,
  Offset,
  Text,
  Whole,
} from '../../common/index.js';
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
const NOT_EMPTY_MESSAGE = `${NAMESPACE_MESSAGE}; at least one`;

/** Body of "put an item" (contract 1.4). */
export class StorePutRequest {
  /** Where to put it: labels without dots; the first one is not `langgraph`. */
  @Custom(LABELS, ITEM_NAMESPACE_MESSAGE, isItemNamespace, { required: true })
  namespace: string[];
  /** Its name there; may be empty. */
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true })
  key: string;
  /** What to keep: replaces what is there. */
  @Custom({ type: 'object', additionalProperties: true }, VALUE_MESSAGE, isValue, { required: true })
  value: JsonObject;
  /** What semantic search compares: `false` for nothing, or paths; otherwise what the configuration names. */
  @Custom(INDEX_SCHEMA, INDEX_MESSAGE, isIndex)
  index?: false | string[];
  /** Minutes after which it goes; null when it stays. Left out: as the configuration says. */
  @CustomOrNull(TTL_SCHEMA, TTL_MESSAGE, isTtl)
  ttl?: number | null;
}

/** Query of "get an item". */
export class StoreGetQuery {
  /** Where it is: labels joined by dots, or repeated. */
  @FromQueryDotted()
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace)
  namespace: string[] = [];
  /** Its name there. */
  @FromQueryString()
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true, example: 'likes' })
  key: string;
  /** Whether its time to live begins again. Left out: as the configuration says. */
  @FromQueryFlag()
  @Flag()
  refresh_ttl?: boolean;
}

/** Body of "delete an item". */
export class StoreDeleteRequest {
  /** Where it is. */
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace)
  namespace: string[] = [];
  /** Its name there. */
  @Custom({ type: 'string' }, KEY_MESSAGE, isKey, { required: true })
  key: string;
}

/** Body of "search items". */
export class StoreSearchRequest {
  /** Labels that the namespaces of items begin with; none for all items. */
  @Custom(LABELS, NAMESPACE_MESSAGE, isNamespace, { required: true })
  namespace_prefix: string[];
  /** Members of the value: what they equal, or `{"$gt": 4}` with `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`. */
  @Filter()
  filter?: JsonObject;
  @Limit()
  limit = 10;
  @Offset()
  offset = 0;
  /** Finds items by their meaning when the store has an index; without one it is ignored. */
  @Text()
  query?: string;
  /** Whether the time to live of what is found begins again. Left out: as the configuration says. */
  @Flag()
  refresh_ttl?: boolean;
}

/** Body of "list namespaces". */
export class StoreListNamespacesRequest {
  /** Labels that they begin with; `*` stands for any. */
  @Custom(LABELS, NOT_EMPTY_MESSAGE, isNotEmpty)
  prefix?: string[];
  /** Labels that they end with; `*` stands for any. */
  @Custom(LABELS, NOT_EMPTY_MESSAGE, isNotEmpty)
  suffix?: string[];
  /** Shows at most so many labels of each, and each only once. */
  @Whole({ minimum: 1, maximum: 1_000 })
  max_depth?: number;
  @Limit(100)
  limit = 100;
  @Offset()
  offset = 0;
}

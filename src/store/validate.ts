import { fitsJsonb, isObject, toWireJson, ValidationFailedError } from '../common/index.js';
import {
  isItemNamespace,
  isKey,
  isNamespace,
  ITEM_NAMESPACE_MESSAGE,
  KEY_MESSAGE,
  NAMESPACE_MESSAGE,
} from './namespace.js';
import { isGet, isPut, isSearch, type Operation } from './operations.js';
import { isTtl, TTL_MESSAGE } from './ttl.js';
import { INDEX_MESSAGE, isIndex } from './text-paths.js';

/** Characters of an item as JSON: the database indexes all of its members while others wait. */
const MAX_CHARACTERS = 8_388_608;

export const VALUE_MESSAGE = `must be an object of at most ${MAX_CHARACTERS} characters of JSON, without NUL or half characters in its strings`;

/** A JSON object that PostgreSQL can hold as it is. */
export function isValue(value: unknown): boolean {
  const json = isObject(value) ? toWireJson(value) : undefined;
  return json !== undefined && json.length <= MAX_CHARACTERS && fitsJsonb(json);
}

/** Throws {@link ValidationFailedError} for what cannot be stored or found; graphs get the same answers as clients. */
export function assertOperation(operation: Operation): void {
  if (isPut(operation)) {
    const { namespace, key, value, index, ttl } = operation;
    // What is there may be removed, whatever it is called.
    const isRight = value === null ? isNamespace : isItemNamespace;
    assert('namespace', isRight(namespace), value === null ? NAMESPACE_MESSAGE : ITEM_NAMESPACE_MESSAGE);
    assert('key', isKey(key), KEY_MESSAGE);
    assert('value', value === null || isValue(value), VALUE_MESSAGE);
    assert('index', index === undefined || index === null || isIndex(index), INDEX_MESSAGE);
    assert('ttl', ttl === undefined || ttl === null || isTtl(ttl), TTL_MESSAGE);
  } else if (isGet(operation)) {
    assert('namespace', isNamespace(operation.namespace), NAMESPACE_MESSAGE);
    assert('key', isKey(operation.key), KEY_MESSAGE);
  } else if (isSearch(operation)) {
    const { namespacePrefix, filter, limit, offset } = operation;
    assert('namespace_prefix', isNamespace(namespacePrefix), NAMESPACE_MESSAGE);
    assert('filter', filter === undefined || isObject(filter), 'must be an object');
    assertPage(limit, offset);
  } else {
    const { matchConditions = [], maxDepth, limit, offset } = operation;
    matchConditions.forEach(({ matchType, path }) => assert(matchType, isNamespace(path), NAMESPACE_MESSAGE));
    assert('max_depth', maxDepth === undefined || (Number.isInteger(maxDepth) && maxDepth > 0), 'must be at least 1');
    assertPage(limit, offset);
  }
}

function assertPage(limit = 0, offset = 0): void {
  assert('limit', Number.isSafeInteger(limit) && limit >= 0, 'must be a whole number');
  assert('offset', Number.isSafeInteger(offset) && offset >= 0, 'must be a whole number');
}

function assert(path: string, isRight: boolean, message: string): void {
  if (!isRight) {
    throw new ValidationFailedError([{ path, message }]);
  }
}

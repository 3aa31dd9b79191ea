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

/** Maximum length of a value as JSON. The database indexes all its members while other writes wait. */
const MAX_CHARACTERS = 8_388_608;

export const VALUE_MESSAGE = `must be an object of at most ${MAX_CHARACTERS} characters as JSON, without NUL or unpaired surrogates in its strings`;

/** Whether this is a JSON object that PostgreSQL can store unchanged. */
export function isValue(value: unknown): boolean {
  const json = isObject(value) ? toWireJson(value) : undefined;
  return json !== undefined && json.length <= MAX_CHARACTERS && fitsJsonb(json);
}

/** Throws {@link ValidationFailedError} for an invalid operation. Graphs get the same errors as clients. */
export function assertOperation(operation: Operation): void {
  if (isPut(operation)) {
    const { namespace, key, value, index, ttl } = operation;
    // An existing item can be deleted from any valid namespace, including a reserved one.
    const isValid = value === null ? isNamespace : isItemNamespace;
    assert('namespace', isValid(namespace), value === null ? NAMESPACE_MESSAGE : ITEM_NAMESPACE_MESSAGE);
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

function assert(path: string, isValid: boolean, message: string): void {
  if (!isValid) {
    throw new ValidationFailedError([{ path, message }]);
  }
}

import { isUuid } from './ids.js';
import { isObject, type JsonObject } from './json.js';

// Clients write UUIDs as their language prints them. The server stores and compares one spelling: lower case. Every id of a
// request is converted here before any other code reads it.

/** A UUID in lower case. Any other value is returned unchanged: the name of a graph, or a value that validation rejects. */
export const canonicalId = (value: unknown): unknown => (isUuid(value) ? value.toLowerCase() : value);

/** {@link canonicalId} for each item of a list. */
export const canonicalIdList = (value: unknown): unknown => (Array.isArray(value) ? value.map(canonicalId) : value);

/** The id of a task at the end of a level of a checkpoint namespace: `node:task_id|node:task_id`. */
const TASK_ID = /:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\||$)/gi;

/** A checkpoint namespace with its task ids in lower case. Names of nodes contain no colon. */
export const canonicalNamespace = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(TASK_ID, (id) => id.toLowerCase()) : value;

/** The map from namespace to checkpoint id in canonical form. */
export const canonicalCheckpointMap = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([ns, id]) => [canonicalNamespace(ns) as string, canonicalId(id)]))
    : value;

/** Keys that the server itself uses in metadata and in `configurable`. Other keys belong to the caller. */
const READERS: Record<string, (value: unknown) => unknown> = {
  assistant_id: canonicalId,
  thread_id: canonicalId,
  run_id: canonicalId,
  cron_id: canonicalId,
  checkpoint_id: canonicalId,
  checkpoint_ns: canonicalNamespace,
  checkpoint_map: canonicalCheckpointMap,
};

/** The object with the ids under the server's own keys in canonical form. */
export function withCanonicalIds(value: unknown): unknown {
  if (!isObject(value)) {
    return value;
  }
  const found = Object.keys(READERS).filter((key) => Object.hasOwn(value, key));
  return found.length > 0
    ? { ...value, ...Object.fromEntries(found.map((key) => [key, READERS[key](value[key])])) }
    : value;
}

/** A checkpoint id, a checkpoint, or a config with one under `configurable`. */
export function canonicalReference(value: unknown): unknown {
  const reference = withCanonicalIds(canonicalId(value));
  return isObject(reference) && 'configurable' in reference
    ? ({ ...reference, configurable: withCanonicalIds(reference.configurable) } satisfies JsonObject)
    : reference;
}

import { isObject } from '../../common/index.js';
import type { GraphConfig } from '../graphs/graph.js';

/** Keys of a wire config that LangChain spells differently. */
const CAMEL_CASE: Record<string, string> = {
  recursion_limit: 'recursionLimit',
  max_concurrency: 'maxConcurrency',
  run_name: 'runName',
};

/** Keys that would control the engine instead of configuring the run; clients must not set them. */
const NOT_FROM_CLIENTS = new Set([
  'callbacks', 'signal', 'store', 'writer', 'configurable', 'metadata', 'streamMode', 'runId', 'version', 'encoding',
  'control', 'interrupt', 'serverInfo', 'subgraphs', 'cache', 'outputKeys', 'inputKeys', 'context', 'durability',
]); // prettier-ignore

/**
 * Converts a Config of the API (contract 2.2) to LangChain's RunnableConfig. Absent keys stay absent, so that a recursion
 * limit bound to the graph is kept. Keys that start with `__` belong to LangGraph and are dropped.
 */
export function toRunnableConfig(config: Record<string, unknown>): GraphConfig {
  const result: GraphConfig = { configurable: withoutInternalKeys(config.configurable) };
  for (const [key, value] of Object.entries(config)) {
    const name = CAMEL_CASE[key] ?? key;
    if (!NOT_FROM_CLIENTS.has(name) && value !== null && value !== undefined) {
      result[name] = value;
    }
  }
  return result;
}

/** The client's `configurable` without the keys that only LangGraph may set. */
export function withoutInternalKeys(configurable: unknown): Record<string, unknown> {
  return isObject(configurable)
    ? Object.fromEntries(Object.entries(configurable).filter(([key]) => !key.startsWith('__')))
    : {};
}

import { isObject } from '../../common/index.js';
import type { GraphConfig } from '../graphs/graph.js';

/** Keys of a wire config that LangChain spells in another way. */
const CAMEL_CASE: Record<string, string> = {
  recursion_limit: 'recursionLimit',
  max_concurrency: 'maxConcurrency',
  run_name: 'runName',
};

/** Keys that would reach into the engine instead of setting something of the run. */
const NOT_FROM_CLIENTS = new Set([
  'callbacks', 'signal', 'store', 'writer', 'configurable', 'metadata', 'streamMode', 'runId', 'version', 'encoding',
  'control', 'interrupt', 'serverInfo', 'subgraphs', 'cache', 'outputKeys', 'inputKeys', 'context', 'durability',
]); // prettier-ignore

/**
 * A Config of the API (contract 2.2) as the runnable config of LangChain. Absent keys stay absent: a recursion limit
 * that is bound to the graph survives. Keys beginning with `__` are LangGraph's own and never taken from outside.
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

/** The settings of a caller, without what only LangGraph itself may set. */
export function withoutInternalKeys(configurable: unknown): Record<string, unknown> {
  return isObject(configurable)
    ? Object.fromEntries(Object.entries(configurable).filter(([key]) => !key.startsWith('__')))
    : {};
}

import { isObject, type JsonObject } from '../../common/index.js';
import { toCheckpoint } from '../state/thread-state.dto.js';
import type { CheckpointConfig } from '../graphs/graph.js';

/** Keys of `configurable` that events must not contain. */
type Hidden = ReadonlySet<string>;

/** Data of a `checkpoints` event in wire format: snake case, with checkpoint references (contract 3.3). */
export function toWireCheckpoint(data: unknown, hidden: Hidden): unknown {
  const { config, parentConfig, tasks, ...rest } = data as {
    config?: CheckpointConfig;
    parentConfig?: CheckpointConfig;
    tasks?: unknown;
  };
  return {
    ...rest,
    config: toWireConfig(config, hidden),
    parent_config: toWireConfig(parentConfig, hidden),
    tasks: Array.isArray(tasks) ? tasks.map(toWireTask) : [],
    checkpoint: toCheckpoint(config),
    parent_checkpoint: toCheckpoint(parentConfig),
  };
}

/** Data of a `debug` event: an envelope of a checkpoint, a task or the result of a task. */
export function toWireDebug(data: unknown, hidden: Hidden): unknown {
  const { type, payload } = data as { type: string; payload: unknown };
  return type === 'checkpoint' ? { ...(data as object), payload: toWireCheckpoint(payload, hidden) } : data;
}

/** LangGraph's `state` of a task is a reference to the checkpoint of its subgraph. */
function toWireTask(task: unknown): unknown {
  const { state, ...rest } = task as { state?: CheckpointConfig };
  return state === undefined ? rest : { ...rest, checkpoint: toCheckpoint(state), state: null };
}

/** In snake case, without callbacks, LangGraph's internal keys and hidden keys. */
function toWireConfig(config: CheckpointConfig | undefined, hidden: Hidden): JsonObject | null {
  if (!config) {
    return null;
  }
  const { configurable, tags, metadata, recursion_limit } = config as CheckpointConfig & JsonObject;
  const visible = Object.entries(isObject(configurable) ? configurable : {}).filter(
    ([key]) => !key.startsWith('__') && !hidden.has(key),
  );
  return {
    ...(tags !== undefined && { tags }),
    ...(metadata !== undefined && { metadata }),
    ...(recursion_limit !== undefined && { recursion_limit }),
    configurable: Object.fromEntries(visible),
  };
}

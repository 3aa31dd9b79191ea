import { isObject, type JsonObject } from '../../common/index.js';
import { toCheckpoint } from '../state/thread-state.dto.js';
import type { CheckpointConfig } from '../graphs/graph.js';

/** Data of a `checkpoints` event, in the spelling and with the references clients expect (contract 3.3). */
export function toWireCheckpoint(data: unknown): unknown {
  const { config, parentConfig, tasks, ...rest } = data as {
    config?: CheckpointConfig;
    parentConfig?: CheckpointConfig;
    tasks?: unknown;
  };
  return {
    ...rest,
    config: toWireConfig(config),
    parent_config: toWireConfig(parentConfig),
    tasks: Array.isArray(tasks) ? tasks.map(toWireTask) : [],
    checkpoint: toCheckpoint(config),
    parent_checkpoint: toCheckpoint(parentConfig),
  };
}

/** Data of a `debug` event: an envelope around a checkpoint, a task or a task's result. */
export function toWireDebug(data: unknown): unknown {
  const { type, payload } = data as { type: string; payload: unknown };
  return type === 'checkpoint' ? { ...(data as object), payload: toWireCheckpoint(payload) } : data;
}

/** The state of a task is a reference to its subgraph's checkpoint. */
function toWireTask(task: unknown): unknown {
  const { state, ...rest } = task as { state?: CheckpointConfig };
  return state === undefined ? rest : { ...rest, checkpoint: toCheckpoint(state), state: null };
}

/** Without callbacks and LangGraph's own keys, in snake case. */
function toWireConfig(config: CheckpointConfig | undefined): JsonObject | null {
  if (!config) {
    return null;
  }
  const { configurable, tags, metadata, recursion_limit } = config as CheckpointConfig & JsonObject;
  const visible = Object.entries(isObject(configurable) ? configurable : {}).filter(([key]) => !key.startsWith('__'));
  return {
    ...(tags !== undefined && { tags }),
    ...(metadata !== undefined && { metadata }),
    ...(recursion_limit !== undefined && { recursion_limit }),
    configurable: Object.fromEntries(visible),
  };
}

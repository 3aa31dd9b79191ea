import { isObject } from '../../common/index.js';
import { TASKS } from '../checkpoints/checkpoint-sql.js';
import type { CheckpointSelection } from '../checkpoints/postgres-checkpointer.js';
import type { CompiledGraph } from '../graphs/graph.js';
import type { ThreadState } from './thread-state.dto.js';

/** Fields that `select` accepts (contract 2.14), besides `values.<key>`. */
export const STATE_FIELDS = [
  'values',
  'next',
  'tasks',
  'checkpoint',
  'metadata',
  'created_at',
  'parent_checkpoint',
  'interrupts',
] as const;

const VALUE_PREFIX = 'values.';

export const isStateField = (name: unknown): boolean =>
  typeof name === 'string' &&
  (STATE_FIELDS.includes(name as never) || (name.startsWith(VALUE_PREFIX) && name.length > VALUE_PREFIX.length));

/** Returns only the selected fields. Of `values` only the selected keys, unless `values` itself is selected. */
export function selectState(state: ThreadState, select: readonly string[] | undefined): Partial<ThreadState> {
  if (!select) {
    return state;
  }
  const fields = STATE_FIELDS.filter((field) => select.includes(field)).map((field) => [field, state[field]]);
  const keys = valueKeys(select);
  if (keys.length > 0 && !select.includes('values')) {
    const values = isObject(state.values) ? state.values : {};
    fields.push(['values', Object.fromEntries(keys.filter((key) => key in values).map((key) => [key, values[key]]))]);
  }
  return Object.fromEntries(fields) as Partial<ThreadState>;
}

const valueKeys = (select: readonly string[]): string[] =>
  select.filter((name) => name.startsWith(VALUE_PREFIX)).map((name) => name.slice(VALUE_PREFIX.length));

/** Fields that LangGraph derives by computing the next nodes. */
const ABOUT_TASKS = ['next', 'tasks', 'interrupts'];

/** The parts of a checkpoint of `graph` that the selected fields need; undefined for the whole checkpoint. */
export function neededParts(
  graph: CompiledGraph,
  select: readonly string[] | undefined,
  subgraphs: boolean,
): CheckpointSelection | undefined {
  const hasTasks = select?.some((name) => ABOUT_TASKS.includes(name)) ?? true;
  if (!select || !graph.nodes || select.includes('values') || (subgraphs && hasTasks)) {
    return undefined;
  }
  const keys = valueKeys(select);
  const { streamChannels } = graph;
  // In a single-channel state the keys are inside that channel.
  const values = keys.length > 0 && typeof streamChannels === 'string' ? [streamChannels] : keys;
  return hasTasks ? { channels: [...values, ...steeringChannels(graph.nodes)] } : { channels: values, writes: values };
}

/** Channels that determine the next nodes. The values that those nodes would read are not needed. */
const steeringChannels = (nodes: NonNullable<CompiledGraph['nodes']>): string[] => [
  TASKS,
  ...Object.values(nodes).flatMap(({ triggers, channels }) => [
    ...triggers,
    ...(Array.isArray(channels) ? channels : []),
  ]),
];

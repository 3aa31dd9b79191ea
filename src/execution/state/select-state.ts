import { isObject } from '../../common/index.js';
import { TASKS } from '../checkpoints/checkpoint-sql.js';
import type { CheckpointSelection } from '../checkpoints/postgres-checkpointer.js';
import type { CompiledGraph } from '../graphs/graph.js';
import type { ThreadState } from './thread-state.dto.js';

/** Fields of a state that `select` names (contract 2.14); also `values.<key>`. */
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

/** Only the fields that are named; of `values` only the keys that are, unless all of it is. */
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

/** Fields that LangGraph finds out by looking which nodes come next. */
const ABOUT_TASKS = ['next', 'tasks', 'interrupts'];

/** What has to be read of checkpoints for the selected fields; undefined for all of it. `graph` is whose state it is. */
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
  // A state that is one channel has its keys inside.
  const values = keys.length > 0 && typeof streamChannels === 'string' ? [streamChannels] : keys;
  return hasTasks ? { channels: [...values, ...steeringChannels(graph.nodes)] } : { channels: values, writes: values };
}

/** Channels that decide which nodes come next. What those nodes would read does not matter for that. */
const steeringChannels = (nodes: NonNullable<CompiledGraph['nodes']>): string[] => [
  TASKS,
  ...Object.values(nodes).flatMap(({ triggers, channels }) => [
    ...triggers,
    ...(Array.isArray(channels) ? channels : []),
  ]),
];

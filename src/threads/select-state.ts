import { isObject } from '../common/index.js';
import type { ThreadState } from '../execution/index.js';

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
  const keys = select.filter((name) => name.startsWith(VALUE_PREFIX)).map((name) => name.slice(VALUE_PREFIX.length));
  if (keys.length > 0 && !select.includes('values')) {
    const values = isObject(state.values) ? state.values : {};
    fields.push(['values', Object.fromEntries(keys.filter((key) => key in values).map((key) => [key, values[key]]))]);
  }
  return Object.fromEntries(fields) as Partial<ThreadState>;
}

import { toWireJson } from '../../common/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { RunError } from '../run.entity.js';

/**
 * What `wait` and `join` answer (contract 1.3): the last state, with open questions under `__interrupt__`, or the error
 * under `__error__`. Put together as text, because the state has been serialised before. Never null.
 */
export function answerOf(
  values: string | undefined,
  interrupts: GraphInterrupt[] | undefined,
  error?: RunError,
): string {
  if (error) {
    return JSON.stringify({ __error__: error });
  }
  const state = values === undefined || values === 'null' ? '{}' : values;
  if (!interrupts) {
    return state;
  }
  const entry = `"__interrupt__":${toWireJson(interrupts)}`;
  const members = state.startsWith('{') ? state.slice(1, -1) : '';
  return members === '' ? `{${entry}}` : `{${members},${entry}}`;
}

/** What readers of a run that was rolled back are told. */
export const ROLLED_BACK: RunError = { error: 'UserRollback', message: 'The run was rolled back.' };

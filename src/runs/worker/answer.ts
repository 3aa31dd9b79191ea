import { toWireJson } from '../../common/index.js';
import type { GraphInterrupt } from '../../execution/index.js';
import type { RunError } from '../run.entity.js';

/** Where a caller of a run can send feedback, by key. */
export type FeedbackUrls = Record<string, string>;

/** Where LangGraph's functional API keeps what an entrypoint returns; a text or a number is found there in an answer. */
const RETURNED = '__end__';

/**
 * What `wait` and `join` answer (contract 1.3): the last state, with open questions under `__interrupt__`, or the error
 * under `__error__`; links for feedback under `__feedback__`. Put together as text, because the state has been
 * serialised before. Never null nor a bare text or number, which the SDK for JavaScript cannot take. A list has no place
 * for links.
 */
export function answerOf(
  values: string | undefined,
  interrupts: GraphInterrupt[] | undefined,
  error?: RunError,
  feedback?: FeedbackUrls,
): string {
  if (error) {
    return JSON.stringify({ __error__: error, __feedback__: feedback });
  }
  const state = asContainer(values);
  const isObject = state.startsWith('{');
  if (!interrupts && !(feedback && isObject)) {
    return state;
  }
  const members = [
    isObject && state.slice(1, -1),
    interrupts && `"__interrupt__":${toWireJson(interrupts)}`,
    feedback && `"__feedback__":${JSON.stringify(feedback)}`,
  ];
  return `{${members.filter(Boolean).join(',')}}`;
}

function asContainer(values = 'null'): string {
  if (values === 'null') {
    return '{}';
  }
  return /^[[{]/.test(values) ? values : `{"${RETURNED}":${values}}`;
}

/** What the row of a run with a thread keeps for those who ask for its answer later. */
export interface StoredOutput {
  feedback?: FeedbackUrls;
}

/** What readers of a run that was rolled back are told. */
export const ROLLED_BACK: RunError = { error: 'UserRollback', message: 'The run was rolled back.' };

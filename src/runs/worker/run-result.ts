import { isObject, jsonbText, toWireJson } from '../../common/index.js';
import type { GraphOutcome } from '../../execution/index.js';
import {
  pendingInterrupts,
  type SettledState,
  threadColumns,
  type ThreadColumns,
  threadStatus,
} from '../../threads/index.js';
import type { RunEnd } from '../queue/queued-run.js';
import type { RunError } from '../run.entity.js';

/** Where a caller of a run can send feedback, by key. */
export type FeedbackUrls = Record<string, string>;

/** How a run ended: everything that its result depends on. */
export interface RunEnding {
  status: RunEnd['status'];
  /** The graph has stopped itself, and can be resumed as after a breakpoint. */
  drained?: boolean;
  error?: RunError | null;
  feedback?: FeedbackUrls;
  /** What the graph produced, when it ran in this process. */
  outcome?: GraphOutcome;
  /** LangGraph's snapshot of the newest checkpoint; absent for a run without checkpoints, or when it cannot be read. */
  state?: SettledState;
}

/** What a run leaves, all made from one {@link RunEnding}. */
export interface SettledRun {
  /** JSON for `wait` and `join`. It is stored with the run, so that every later reader gets the same. */
  result: string;
  /** What the thread's row shows. Its values are the webhook's, too. */
  thread: ThreadColumns;
}

/**
 * The one place that turns the end of a run into what clients see of it. A successful run returns what `invoke` of the
 * graph returns: the last values, untracked ones too, and the pending interrupts; where the graph has an output schema, the
 * whole state (contract 1.3: the last `values` state). The thread and the webhook show LangGraph's state snapshot, in which
 * untracked values are missing.
 */
export function settleRun({ status, drained, error, feedback, outcome = {}, state }: RunEnding): SettledRun {
  const stored = storedValues(outcome, state);
  const values = status === 'success' ? (outcome.values ?? stored) : stored;
  return {
    result: error
      ? JSON.stringify({ __error__: error, __feedback__: feedback })
      : resultJson(values, resultInterrupts(status, outcome, state), feedback),
    thread: state
      ? threadColumns(threadStatus(drained ? 'drained' : status, state), state, stored)
      : withoutState(status, outcome),
  };
}

/** The values of the snapshot, or the last ones that are known. What both hold is serialised once. */
function storedValues({ values, rawValues }: GraphOutcome, state: SettledState | undefined): string | undefined {
  const isKnown = !state || (values !== undefined && isSameState(rawValues, state.values));
  return isKnown ? values : toWireJson(state.values);
}

/** Compares the channels by identity. A channel that was read from the database counts as different. */
function isSameState(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) {
    return one === other;
  }
  const channels = Object.keys(one);
  return channels.length === Object.keys(other).length && channels.every((name) => one[name] === other[name]);
}

/** Undefined when the graph did not stop for a client; empty at a breakpoint, as in LangGraph. */
function resultInterrupts(
  status: RunEnd['status'],
  outcome: GraphOutcome,
  state: SettledState | undefined,
): readonly unknown[] | undefined {
  if (!state) {
    return outcome.interrupts;
  }
  const pending = pendingInterrupts(state);
  const isStopped = status === 'success' && state.tasks.length > 0;
  return pending.length > 0 || isStopped ? pending : undefined;
}

/** Which task an interrupt belongs to is known from the state alone. */
const withoutState = (status: RunEnd['status'], { values, interrupts }: GraphOutcome): ThreadColumns => ({
  status: status === 'success' && interrupts ? 'interrupted' : threadStatus(status, undefined),
  values: values && jsonbText(values),
  interrupts: '{}',
});

/** Where LangGraph's functional API keeps what an entrypoint returns; a string or a number is found there in a result. */
const RETURNED = '__end__';

/**
 * The state, with pending interrupts under `__interrupt__` and links for feedback under `__feedback__`. Composed as JSON,
 * because the state has been serialised before. Never null nor a bare string or number, which the SDK for JavaScript cannot
 * take. A list has no place for links.
 */
function resultJson(
  values: string | undefined,
  interrupts: readonly unknown[] | undefined,
  feedback: FeedbackUrls | undefined,
): string {
  const state = asContainer(values);
  const isMap = state.startsWith('{');
  if (!interrupts && !(feedback && isMap)) {
    return state;
  }
  const members = [
    isMap && state.slice(1, -1),
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

/** The result of a run that was rolled back. */
export const ROLLED_BACK: RunError = { error: 'UserRollback', message: 'The run was rolled back.' };

/** What waiters of a run that was rolled back get: there is no row that could hold it. */
export const ROLLED_BACK_RESULT = JSON.stringify({ __error__: ROLLED_BACK });

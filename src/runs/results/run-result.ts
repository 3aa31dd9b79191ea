import { isObject, toWireJson } from '../../common/index.js';
import type { GraphOutcome } from '../../execution/index.js';
import {
  columnsWithoutState,
  pendingInterrupts,
  type SettledState,
  threadColumns,
  type ThreadColumns,
  threadStatus,
} from '../../threads/index.js';
import type { RunEnd } from '../queue/run-endings.js';
import type { RunError } from '../run.entity.js';

/** Feedback links of a run, by feedback key. */
export type FeedbackUrls = Record<string, string>;

/** Everything that the result of a run depends on. */
export interface RunEnding {
  status: RunEnd['status'];
  /** The graph stopped itself before a superstep; the next run resumes it as after a breakpoint. */
  drained?: boolean;
  error?: RunError | null;
  feedback?: FeedbackUrls;
  /** What the graph produced in this process, if it ran here. */
  outcome?: GraphOutcome;
  /** LangGraph's snapshot of the newest checkpoint; absent for a run without checkpoints, or when it cannot be read. */
  state?: SettledState;
}

/** What a run leaves, all derived from one {@link RunEnding}. */
export interface SettledRun {
  /** JSON for `wait` and `join`. It is stored with the run, so that all readers get the same result. */
  result: string;
  /** The thread's columns. The webhook sends the same values. */
  thread: ThreadColumns;
}

/**
 * The one place that turns the end of a run into what clients see. A successful run returns what the graph's `invoke`
 * returns: the last values, including untracked ones, and the pending interrupts. If the graph has an output schema, it
 * returns the whole state (contract 1.3: the last `values` state). The thread and the webhook show LangGraph's state
 * snapshot, which has no untracked values.
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
      : columnsWithoutState(status, { valuesJson: outcome.values, isInterrupted: outcome.interrupts !== undefined }),
  };
}

/** The values of the snapshot, or else the last known values. Equal values are not serialised again. */
function storedValues({ values, rawValues }: GraphOutcome, state: SettledState | undefined): string | undefined {
  const isKnown = !state || (values !== undefined && isSameState(rawValues, state.values));
  return isKnown ? values : toWireJson(state.values);
}

/** Compares the channels by identity. A channel that was loaded from the database counts as different. */
function isSameState(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) {
    return one === other;
  }
  const channels = Object.keys(one);
  return channels.length === Object.keys(other).length && channels.every((name) => one[name] === other[name]);
}

/** Undefined when the graph was not interrupted; empty at a breakpoint, as in LangGraph. */
function resultInterrupts(
  status: RunEnd['status'],
  outcome: GraphOutcome,
  state: SettledState | undefined,
): readonly unknown[] | undefined {
  if (!state) {
    return outcome.interrupts;
  }
  const pending = pendingInterrupts(state);
  return pending.length > 0 || threadStatus(status, state) === 'interrupted' ? pending : undefined;
}

/**
 * The channel in which LangGraph's functional API keeps the return value of an entrypoint; wraps bare strings and
 * numbers.
 */
const RETURNED = '__end__';

/**
 * The state, with pending interrupts under `__interrupt__` and feedback links under `__feedback__`. It is composed as
 * JSON, because the state is serialised already. It is never null nor a bare string or number, which the JavaScript SDK
 * cannot handle. A list cannot hold feedback links.
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

/** The JSON that waiters of a rolled back run get. Its row, which would hold the result, is deleted. */
export const ROLLED_BACK_RESULT = JSON.stringify({ __error__: ROLLED_BACK });

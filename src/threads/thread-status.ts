import { jsonbText, toWireJson } from '../common/index.js';
import type { ThreadStatus } from './thread.entity.js';

// Thread status: the only place that derives a thread's row from the end of a run or from a state (contract 1.3, 2.4).
//
// | event                                    | status                     | values, interrupts | error     |
// | ---------------------------------------- | -------------------------- | ------------------ | --------- |
// | run ended: `success`                     | `interrupted` if tasks are | of the state       | null      |
// |                                          | left, else `idle`          |                    |           |
// | the graph drained itself                 | as after `success`         | of the state       | null      |
// | run ended: `error`, `timeout`            | `error`                    | of the state       | the run's |
// | run ended, its state cannot be read      | `interrupted` if the graph | last known, none   | the run's |
// |                                          | reported interrupts,       |                    |           |
// |                                          | else as above              |                    |           |
// | running run stopped: `interrupted`       | `idle`                     | of the state       | null      |
// | state update, supersteps, copy           | as after `success`         | of the state       | null      |
// | last run deleted                         | as after the previous run  | of the state       | its error |
// | run rejected, never started, rolled back | `idleStatusSql`            | unchanged          | unchanged |
// | another run is queued on the thread      | `busy`                     | of the state       | as above  |
//
// SQL: `idleStatusSql` derives the status from the columns of a row, `statusAfterRunSql` and `copyStatusSql` use it. A
// thread without a row of its own, of a stateless run, is idle once the run has ended.
//
// The state is LangGraph's snapshot of the newest checkpoint, never the last event of a stream: untracked values and
// consumed ephemeral values are not part of it.

/** How the last run of a thread ended. Absent when no run has changed the thread: then the state determines the status. */
export type LastRunStatus = 'success' | 'error' | 'timeout' | 'interrupted' | 'drained';

/** The part of a state that determines a thread's row; GraphState and ThreadState both have it. */
export interface SettledState {
  values: unknown;
  tasks: readonly SettledTask[];
}

/** An interrupt from the graph or from the API. */
interface PendingInterrupt {
  id?: string;
  value?: unknown;
}

interface SettledTask {
  id: string;
  interrupts: readonly PendingInterrupt[];
  result?: unknown;
}

/** The columns of a thread that its state determines, serialized for `jsonb` parameters. */
export interface ThreadColumns {
  status: ThreadStatus;
  /** Absent when the thread has no checkpoint: its values stay unchanged. */
  values?: string;
  /** Pending interrupts by task id. */
  interrupts: string;
}

/** `state` is undefined when it cannot be read. */
export function threadStatus(last: LastRunStatus | undefined, state: SettledState | undefined): ThreadStatus {
  switch (last) {
    case 'error':
    case 'timeout':
      return 'error';
    case 'interrupted':
      return 'idle';
    case 'success':
    case 'drained':
    case undefined:
      // `next` omits tasks that have finished but are not committed.
      return state && state.tasks.length > 0 ? 'interrupted' : 'idle';
  }
}

/** The pending interrupts of a state. */
export const pendingInterrupts = ({ tasks }: Pick<SettledState, 'tasks'>): PendingInterrupt[] =>
  tasks.flatMap(({ interrupts }) => interrupts);

/**
 * Pending interrupts by task id. An `interrupted` thread also lists its tasks without interrupts, at a breakpoint, so that
 * an empty object means that no task is left.
 */
function pendingInterruptsByTask(
  status: ThreadStatus,
  { tasks }: Pick<SettledState, 'tasks'>,
): Record<string, readonly PendingInterrupt[]> {
  const namesBreakpoints = status === 'interrupted';
  const pending = tasks.filter(({ interrupts, result }) =>
    namesBreakpoints ? interrupts.length > 0 || (result ?? null) === null : interrupts.length > 0,
  );
  return Object.fromEntries(pending.map(({ id, interrupts }) => [id, interrupts]));
}

/** {@link pendingInterruptsByTask} for a `json` parameter. */
export const interruptsJson = (status: ThreadStatus, state: Pick<SettledState, 'tasks'>): string =>
  jsonbText(toWireJson(pendingInterruptsByTask(status, state)));

/** `valuesJson`: the serialized values, if the caller has them. */
export function threadColumns(status: ThreadStatus, state: SettledState, valuesJson?: string): ThreadColumns {
  return {
    status,
    values: jsonbText(valuesJson ?? toWireJson(state.values)),
    interrupts: interruptsJson(status, state),
  };
}

/**
 * The columns after a run without a readable state. Its interrupts are stored by task, so those that the graph reported
 * without tasks show in the status only.
 */
export const columnsWithoutState = (
  last: LastRunStatus,
  { valuesJson, isInterrupted }: { valuesJson?: string; isInterrupted: boolean },
): ThreadColumns => ({
  status: last === 'success' && isInterrupted ? 'interrupted' : threadStatus(last, undefined),
  values: valuesJson && jsonbText(valuesJson),
  interrupts: '{}',
});

/** SQL: the status of a thread without an active run, from the columns of the row `thread`. */
export const idleStatusSql = (thread: string): string => `CASE WHEN ${thread}.error IS NOT NULL THEN 'error'
  WHEN ${thread}.interrupts::text <> '{}' THEN 'interrupted' ELSE 'idle' END`;

/**
 * SQL: the status of the row `thread` when a run on it has ended. `isLast`: no other run is queued. `left`: the status that
 * the run leaves, NULL when the run has not changed the thread.
 */
export const statusAfterRunSql = (thread: string, { isLast, left }: { isLast: string; left: string }): string =>
  `CASE WHEN ${isLast} THEN coalesce(${left}, ${idleStatusSql(thread)}) ELSE 'busy' END`;

/** SQL: the status of a copy of the row `thread`, which has no runs. */
export const copyStatusSql = (thread: string): string =>
  `CASE ${thread}.status WHEN 'busy' THEN ${idleStatusSql(thread)} ELSE ${thread}.status END`;

/** SQL: the interrupts for a status. Both come from {@link interruptsJson}, for the status `interrupted` and for any other. */
export const interruptsSql = (status: string, { interrupted, other }: { interrupted: string; other: string }): string =>
  `CASE ${status} WHEN 'interrupted' THEN ${interrupted} ELSE ${other} END`;

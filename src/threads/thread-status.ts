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
// | running run stopped: `interrupted`       | `idle`                     | of the state       | null      |
// | state update, supersteps, copy           | as after `success`         | of the state       | null      |
// | last run deleted                         | as after the previous run  | of the state       | its error |
// | run rejected, never started, rolled back | `idleStatusSql`            | unchanged          | unchanged |
// | another run is queued on the thread      | `busy`                     | of the state       | as above  |
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

/** SQL: the status of a thread without an active run, from the columns of the row `thread`. */
export const idleStatusSql = (thread: string): string => `CASE WHEN ${thread}.error IS NOT NULL THEN 'error'
  WHEN ${thread}.interrupts::text <> '{}' THEN 'interrupted' ELSE 'idle' END`;

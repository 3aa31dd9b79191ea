import { jsonbText, toWireJson } from '../common/index.js';
import type { ThreadStatus } from './thread.entity.js';

// The one place that derives what a thread's row shows from the end of a run or from a state (contract 1.3, 2.4).
//
// | what happened                             | status                      | values, interrupts | error     |
// | ----------------------------------------- | --------------------------- | ------------------ | --------- |
// | run ended: `success`                      | `interrupted` if tasks are  | of the state       | null      |
// |                                           | left, else `idle`           |                    |           |
// | the graph drained itself                  | as after `success`          | of the state       | null      |
// | run ended: `error`, `timeout`             | `error`                     | of the state       | the run's |
// | run stopped at its work: `interrupted`    | `idle`                      | of the state       | null      |
// | state changed by hand, supersteps, a copy | as after `success`          | of the state       | null      |
// | last run deleted                          | as after the run before it  | of the state       | its error |
// | run refused, never begun, rolled back     | `idleStatusSql`             | stay               | stays     |
// | another run waits on the thread           | `busy`                      | of the state       | as above  |
//
// The state is LangGraph's snapshot of the newest checkpoint, never the last event of a stream: untracked values and
// consumed ephemeral values are not part of it.

/** How the last run of a thread ended. Absent when no run has changed the thread: then the state decides. */
export type LastRunStatus = 'success' | 'error' | 'timeout' | 'interrupted' | 'drained';

/** A state, as far as a thread's row depends on it; GraphState and ThreadState both fit. */
export interface SettledState {
  values: unknown;
  tasks: readonly SettledTask[];
}

/** An interrupt as the graph or the API names it. */
interface PendingInterrupt {
  id?: string;
  value?: unknown;
}

interface SettledTask {
  id: string;
  interrupts: readonly PendingInterrupt[];
  result?: unknown;
}

/** The columns of a thread that its state decides, ready for `jsonb` parameters. */
export interface ThreadColumns {
  status: ThreadStatus;
  /** Absent when the thread has no checkpoint: its values stay as they were. */
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
      // `next` does not name tasks that are done but not committed.
      return state && state.tasks.length > 0 ? 'interrupted' : 'idle';
  }
}

/** The interrupts of a state that wait for a resume value. */
export const pendingInterrupts = ({ tasks }: Pick<SettledState, 'tasks'>): PendingInterrupt[] =>
  tasks.flatMap(({ interrupts }) => interrupts);

/**
 * The same by task id. A thread that is `interrupted` also names the tasks that wait without one, at a breakpoint: an
 * empty object means that nothing is left to do.
 */
function pendingInterruptsByTask(
  status: ThreadStatus,
  { tasks }: Pick<SettledState, 'tasks'>,
): Record<string, readonly PendingInterrupt[]> {
  const namesBreakpoints = status === 'interrupted';
  const waiting = tasks.filter(({ interrupts, result }) =>
    namesBreakpoints ? interrupts.length > 0 || (result ?? null) === null : interrupts.length > 0,
  );
  return Object.fromEntries(waiting.map(({ id, interrupts }) => [id, interrupts]));
}

/** {@link pendingInterruptsByTask} for a `json` parameter. */
export const interruptsJson = (status: ThreadStatus, state: Pick<SettledState, 'tasks'>): string =>
  jsonbText(toWireJson(pendingInterruptsByTask(status, state)));

/** `valuesJson`: the values as JSON, when the caller has serialised them before. */
export function threadColumns(status: ThreadStatus, state: SettledState, valuesJson?: string): ThreadColumns {
  return {
    status,
    values: jsonbText(valuesJson ?? toWireJson(state.values)),
    interrupts: interruptsJson(status, state),
  };
}

/** SQL: the status of a thread without an active run, from what its row says; `thread` is the name of the row. */
export const idleStatusSql = (thread: string): string => `CASE WHEN ${thread}.error IS NOT NULL THEN 'error'
  WHEN ${thread}.interrupts::text <> '{}' THEN 'interrupted' ELSE 'idle' END`;

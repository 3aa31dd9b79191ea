import { isObject, readField } from '../../common/index.js';
import type { GraphState } from '../graphs/graph.js';

/** Why a resume is invalid, in LangGraph's terms. */
type Reason = 'not_pending' | 'empty_map' | 'ambiguous';

/**
 * A strict resume does not match the pending interrupts. Newer versions of LangGraph throw an error of this name and shape
 * before anything is written. Ours is thrown earlier, for every version, and even when no interrupt is pending.
 */
export class UnknownInterruptError extends Error {
  override readonly name = 'UnknownInterruptError';

  constructor(
    message: string,
    readonly reason: Reason,
    /** Interrupts that the resume names although they are not pending. */
    readonly interruptIds: string[],
    /** Pending interrupts, which can still be resumed. */
    readonly pendingIds: string[],
  ) {
    super(message);
  }
}

/** False for an error that a task threw, for example a graph inside a node: by then the run has started. */
export const isUnknownInterrupt = (error: unknown): error is UnknownInterruptError =>
  readField(error, 'name') === 'UnknownInterruptError' &&
  readField(error, 'pregelTaskId') === undefined &&
  typeof readField(error, 'reason') === 'string' &&
  isStrings(readField(error, 'interruptIds')) &&
  isStrings(readField(error, 'pendingIds'));

const isStrings = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');

/** What a resume of a thread can address. */
export interface ResumeTarget {
  pendingIds: string[];
  /** The thread has next nodes: it stopped at an interrupt or a breakpoint. */
  hasNext: boolean;
}

/** The state keeps the resumed interrupts of tasks that finished beside an interrupted one; they are not pending. */
export const resumeTargetOf = ({ tasks, next }: GraphState): ResumeTarget => ({
  pendingIds: tasks
    .filter(({ result }) => result === undefined)
    .flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id))),
  hasNext: next.length > 0,
});

/** Checks a strict resume. Returns undefined when it matches the pending interrupts. */
export function checkStrictResume(
  resume: unknown,
  { pendingIds, hasNext }: ResumeTarget,
): UnknownInterruptError | undefined {
  const reject = (reason: Reason, message: string, interruptIds: string[] = []): UnknownInterruptError =>
    new UnknownInterruptError(message, reason, interruptIds.sort(), [...pendingIds].sort());
  if (isObject(resume) && Object.keys(resume).every(isInterruptId)) {
    const named = Object.keys(resume);
    const unknown = named.filter((id) => !pendingIds.includes(id));
    if (named.length === 0) {
      return reject('empty_map', 'The resume map is empty. Map at least one pending interrupt id to its resume value.');
    }
    return unknown.length > 0
      ? reject(
          'not_pending',
          `Interrupt not pending: ${unknown.join(', ')}. It is unknown or was already resumed.`,
          unknown,
        )
      : undefined;
  }
  if (pendingIds.length > 1) {
    return reject('ambiguous', 'Several interrupts are pending. Resume with a map from interrupt id to resume value.');
  }
  return hasNext ? undefined : reject('not_pending', 'No interrupt is pending.');
}

/** LangGraph's interrupt ids are hashes; a map with any other key is itself a resume value. */
const isInterruptId = (key: string): boolean => /^[0-9a-f]{32}$/.test(key);

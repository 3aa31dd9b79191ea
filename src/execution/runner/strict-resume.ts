import { isObject, readField } from '../../common/index.js';
import type { GraphState } from '../graphs/graph.js';

/** What is wrong with a resume, in LangGraph's words. */
type Reason = 'not_pending' | 'empty_map' | 'ambiguous';

/**
 * A strict resume does not match the interrupts that wait. Newer versions of LangGraph raise an error of this name and
 * shape, before anything is written. Ours is raised first: whatever the version is, and also when nothing waits at all.
 */
export class UnknownInterruptError extends Error {
  override readonly name = 'UnknownInterruptError';

  constructor(
    message: string,
    readonly reason: Reason,
    /** Those that the resume names although they do not wait. */
    readonly interruptIds: string[],
    /** Those that wait, and can still be answered. */
    readonly pendingIds: string[],
  ) {
    super(message);
  }
}

/** LangGraph marks what a task has thrown, for example a graph inside a node: by then the run has begun. */
export const isUnknownInterrupt = (error: unknown): error is UnknownInterruptError =>
  readField(error, 'name') === 'UnknownInterruptError' &&
  readField(error, 'pregelTaskId') === undefined &&
  typeof readField(error, 'reason') === 'string' &&
  isStrings(readField(error, 'interruptIds')) &&
  isStrings(readField(error, 'pendingIds'));

const isStrings = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');

/** Where a thread stands, as far as a resume is concerned. */
export interface Standstill {
  pendingIds: string[];
  /** Nodes are still to come: it has stopped for a question or at a breakpoint. */
  hasNext: boolean;
}

/** A task that has finished beside one that still waits keeps its answered interrupt in the state. */
export const standstillOf = ({ tasks, next }: GraphState): Standstill => ({
  pendingIds: tasks
    .filter(({ result }) => result === undefined)
    .flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id))),
  hasNext: next.length > 0,
});

/** Why a strict resume is refused; undefined when it answers what waits. */
export function resumeRefusal(resume: unknown, { pendingIds, hasNext }: Standstill): UnknownInterruptError | undefined {
  const refuse = (reason: Reason, message: string, interruptIds: string[] = []): UnknownInterruptError =>
    new UnknownInterruptError(message, reason, interruptIds.sort(), [...pendingIds].sort());
  if (isObject(resume) && Object.keys(resume).every(isInterruptId)) {
    const named = Object.keys(resume);
    const unknown = named.filter((id) => !pendingIds.includes(id));
    if (named.length === 0) {
      return refuse('empty_map', 'The resume map names no interrupt.');
    }
    return unknown.length > 0
      ? refuse('not_pending', `Unknown interrupt, or answered before: ${unknown.join(', ')}.`, unknown)
      : undefined;
  }
  if (pendingIds.length > 1) {
    return refuse('ambiguous', 'Several interrupts wait: resume with a map from interrupt id to answer.');
  }
  return hasNext ? undefined : refuse('not_pending', 'No interrupt waits for an answer.');
}

/** LangGraph's ids are hashes; a map with any other key is an answer itself. */
const isInterruptId = (key: string): boolean => /^[0-9a-f]{32}$/.test(key);

import type { StreamMode } from '../../execution/index.js';
import { type NumberedEvent, RUN_DONE } from '../../streams/index.js';

/** Events that every stream contains, whatever modes are requested (contract 3.3). */
const CONTROL_EVENTS = new Set(['metadata', 'error', 'feedback', 'end']);

/** The wire events of modes that have several events, or an event with another name. */
const EVENTS_OF_MODE: Partial<Record<StreamMode, string[]>> = {
  messages: ['messages/metadata', 'messages/partial', 'messages/complete'],
  'messages-tuple': ['messages'],
};

/** The events that a reader requests; all events if both fields are absent. */
export interface StreamFilter {
  modes?: StreamMode[];
  /** Namespaces of subgraphs, with or without task ids; the empty string is the root graph. */
  namespaces?: string[];
}

/** Returns the predicate for the events of a run's stream. `RUN_DONE` is an event of the thread's stream only. */
export function streamFilter({ modes, namespaces }: StreamFilter): (event: NumberedEvent) => boolean {
  if (!modes && !namespaces) {
    return ({ event }) => event !== RUN_DONE;
  }
  const names = modes && new Set(modes.flatMap((mode) => EVENTS_OF_MODE[mode] ?? [mode]));
  const paths = namespaces?.map(partsOf);
  return ({ event }) => {
    const [name, ...path] = event.split('|');
    if (CONTROL_EVENTS.has(name)) {
      return true;
    }
    const isOfMode = names ? names.has(name) : name !== RUN_DONE;
    return isOfMode && (paths?.some((wanted) => isAt(path, wanted)) ?? true);
  };
}

const partsOf = (namespace: string): string[] => (namespace === '' ? [] : namespace.split('|'));

/** Parts are `node:task_id`; a requested part without the task id matches all tasks of the node. */
const isAt = (path: string[], wanted: string[]): boolean =>
  path.length === wanted.length &&
  wanted.every((part, index) => path[index] === part || path[index].startsWith(`${part}:`));

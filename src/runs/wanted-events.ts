import type { StreamMode } from '../execution/index.js';
import { type NumberedEvent, RUN_DONE } from '../streams/index.js';

/** Events that belong to every stream, whatever was asked for (contract 3.3). */
const CONTROL_EVENTS = new Set(['metadata', 'error', 'feedback', 'end']);

/** Wire events of a mode that has more than one, or another name than the mode. */
const EVENTS_OF_MODE: Partial<Record<StreamMode, string[]>> = {
  messages: ['messages/metadata', 'messages/partial', 'messages/complete'],
  'messages-tuple': ['messages'],
};

/** Which of a run's events a reader wants; all of them without either. */
export interface Wanted {
  modes?: StreamMode[];
  /** Paths of subgraphs as events carry them, or without the ids of their tasks; an empty one is the root graph. */
  namespaces?: string[];
}

/** The end of a run is an event of its thread; the run's own stream just ends. */
export function wantedEvents({ modes, namespaces }: Wanted): (event: NumberedEvent) => boolean {
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

/** Parts are `node:task_id`; whoever leaves the id out wants them all. */
const isAt = (path: string[], wanted: string[]): boolean =>
  path.length === wanted.length &&
  wanted.every((part, index) => path[index] === part || path[index].startsWith(`${part}:`));

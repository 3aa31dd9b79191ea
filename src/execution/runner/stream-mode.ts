/** Stream modes that a client may request (contract 2.14, 3.3). */
export const STREAM_MODES = [
  'values',
  'messages',
  'messages-tuple',
  'updates',
  'events',
  'tasks',
  'checkpoints',
  'debug',
  'custom',
  'tools',
  'lifecycle',
] as const;

export type StreamMode = (typeof STREAM_MODES)[number];

/** The modes to request from LangGraph. `values` is always included, because it contains the result of the run. */
export function graphStreamModes(requested: ReadonlySet<StreamMode>): string[] {
  const modes = new Set<string>(['values']);
  for (const mode of requested) {
    if (mode === 'messages' || mode === 'messages-tuple') {
      modes.add('messages');
    } else if (mode !== 'events' && mode !== 'lifecycle') {
      modes.add(mode);
    }
  }
  return [...modes];
}

/** Receives an event in wire format: its name and one line of JSON. */
export type Emit = (event: string, json: string) => void;

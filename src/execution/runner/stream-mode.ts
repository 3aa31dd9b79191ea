/** What a client may ask for (contract 2.14, 3.3). */
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

/** The modes LangGraph has to produce for what was asked for. `values` is always there: the run's answer is in it. */
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

/** Takes an event as it goes over the wire: its name and one line of JSON. */
export type Emit = (event: string, json: string) => void;

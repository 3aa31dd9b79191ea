import type { StreamPosition } from './stream-event.js';

/**
 * Parses `Last-Event-ID`: a reconnecting client continues after this event. `-`, `-1` and unknown ids select all stored
 * events (contract 3.5, 3.7).
 */
export function parseLastEventId(lastEventId: string): StreamPosition {
  const seq = /^\d+$/.test(lastEventId) ? Number(lastEventId) : -1;
  return seq < 0 ? { from: 'start' } : { from: 'after', seq };
}

import type { Part } from './sdk.js';

/** Parses the events of a stream, without heartbeats and without an incomplete last frame. */
export function framesOf(text: string): Part[] {
  const complete = text.slice(0, text.lastIndexOf('\n\n') + 1);
  return complete
    .replace(/^: heartbeat\n/gm, '')
    .split('\n\n')
    .filter((frame) => frame.trim() !== '')
    .map((frame) => {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
      const id = field('id');
      return { ...(id !== undefined && { id }), event: field('event')!, data: JSON.parse(field('data')!) as unknown };
    });
}

/** The id of the last event of a stream. */
export const lastIdIn = (text: string): string => framesOf(text).findLast(({ id }) => id !== undefined)!.id!;

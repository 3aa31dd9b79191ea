import { type FrameSource, sseFrame } from '../common/index.js';
import type { NumberedEvent, StreamPosition, StreamReader } from './stream-event.js';

export interface EventFramesOptions {
  /** With ids, for a reader that may come back (contract 3.1). */
  numbered: boolean;
  isWanted: (event: NumberedEvent) => boolean;
  /** The reader is done; `finished` when it has got everything. */
  onLeave?: (finished: boolean) => void;
}

/** A reader's events as server-sent events: all that are there in one text. */
export function eventFrames(reader: StreamReader, { numbered, isWanted, onLeave }: EventFramesOptions): FrameSource {
  let finished = false;
  let left = false;
  return {
    async next() {
      for (let next = await reader.next(); !next.done; next = await reader.next()) {
        const frames = next.value.filter(isWanted).map((event) => frameOf(event, numbered));
        if (frames.length > 0) {
          return { done: false, value: frames.join('') };
        }
      }
      finished = !left;
      return { done: true, value: undefined };
    },
    return() {
      if (!left) {
        left = true;
        reader.return();
        onLeave?.(finished);
      }
    },
  };
}

const frameOf = ({ seq, event, json }: NumberedEvent, numbered: boolean): string =>
  sseFrame(event, json, numbered ? String(seq) : undefined);

/** Where `Last-Event-ID` says; everything for `-`, `-1` and what is no id of ours (contract 3.5, 3.7). */
export function positionAfter(lastEventId: string): StreamPosition {
  const seq = /^\d+$/.test(lastEventId) ? Number(lastEventId) : -1;
  return seq < 0 ? { from: 'start' } : { from: 'after', seq };
}

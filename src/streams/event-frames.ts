import { type FrameSource, sseFrame } from '../http/index.js';
import type { NumberedEvent, StreamReader } from './stream-event.js';

export interface EventFramesOptions {
  /** Send event ids, for a client that may reconnect (contract 3.1). */
  numbered: boolean;
  isWanted: (event: NumberedEvent) => boolean;
  /** Called when the reader ends; `finished` is false when the client disconnected first. */
  onEnd?: (finished: boolean) => void;
}

/** The events of a reader as server-sent events; all available events are joined into one string. */
export function eventFrames(reader: StreamReader, { numbered, isWanted, onEnd }: EventFramesOptions): FrameSource {
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
        onEnd?.(finished);
      }
    },
  };
}

const frameOf = ({ seq, event, json }: NumberedEvent, numbered: boolean): string =>
  sseFrame(event, json, numbered ? String(seq) : undefined);

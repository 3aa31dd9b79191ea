import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { hijack } from './hijack.js';
import { onClose } from './on-close.js';

/** Milliseconds of silence after which a comment is sent (contract 3.1). */
export const HEARTBEAT_MS = 5_000;

/** A comment without a blank line after it: JS 2.0.0 would make an empty event of one (contract 7.21). */
const HEARTBEAT = ': heartbeat\n';

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** One event in wire form. `json` is already serialised, on one line. */
export function sseFrame(event: string, json: string, id?: string): string {
  return id === undefined ? `event: ${event}\ndata: ${json}\n\n` : `event: ${event}\ndata: ${json}\nid: ${id}\n\n`;
}

/**
 * Finished frames, several at a time. `return` ends a pending `next`, so that a client that leaves is noticed at once
 * and not with the next event.
 */
export interface FrameSource {
  next(): Promise<IteratorResult<string, undefined>>;
  return(): void;
}

/** The body of a streaming response, decided before the status line goes out. */
export interface SseBody {
  headers: Record<string, string>;
  frames: FrameSource;
}

/**
 * Writes server-sent events: the only place that does. Headers go out before the first event, each batch is one write,
 * a slow client holds back its own reader and nobody else.
 */
export async function sse(reply: FastifyReply, { headers, frames }: SseBody): Promise<void> {
  const response = hijack(reply, { ...SSE_HEADERS, ...headers });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(HEARTBEAT), HEARTBEAT_MS);
  onClose(response, () => frames.return());
  try {
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      heartbeat.refresh();
      const isTaken = response.write(next.value);
      // Node sends at the end of this turn at the earliest: events that come until then travel together.
      await (isTaken ? nextTurn() : drained(response));
    }
    response.end();
  } catch {
    // The source failed: a clean end would tell the client that the run has finished.
    response.destroy();
  } finally {
    clearInterval(heartbeat);
    frames.return();
  }
}

/** Resolves when the client has taken what was written, or has left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    response.once('drain', settle);
    onClose(response, settle);
  });
}

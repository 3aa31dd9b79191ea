import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { hijack } from './hijack.js';
import { onClose } from './on-close.js';

/** Milliseconds of silence after which a comment is sent (contract 3.1). */
export const HEARTBEAT_MS = 5_000;

/** A comment without a blank line: the JS SDK 2.0.0 would emit an empty event for one (contract 7.21). */
const HEARTBEAT = ': heartbeat\n';

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** One SSE frame. `json` is already serialized, on one line. */
export function sseFrame(event: string, json: string, id?: string): string {
  return id === undefined ? `event: ${event}\ndata: ${json}\n\n` : `event: ${event}\ndata: ${json}\nid: ${id}\n\n`;
}

/**
 * A source of complete frames, in batches. `return` ends a pending `next`, so that a disconnect takes effect at once and not
 * with the next event.
 */
export interface FrameSource {
  next(): Promise<IteratorResult<string, undefined>>;
  return(): void;
}

/** Headers and body of a streaming response, determined before the status line is sent. */
export interface SseBody {
  headers: Record<string, string>;
  frames: FrameSource;
}

/**
 * Writes server-sent events (SSE); no other code does. Headers are sent before the first event, and each batch is one write.
 * Backpressure: a slow client holds back its own reader and no other client.
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
      // Node sends at the end of this turn at the earliest: events that arrive until then are sent together.
      await (isTaken ? nextTurn() : drained(response));
    }
    response.end();
  } catch {
    // The source failed. A clean end would mean to the client that the run has finished.
    response.destroy();
  } finally {
    clearInterval(heartbeat);
    frames.return();
  }
}

/** Resolves when the client has read the written data, or has disconnected. */
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

import type { FastifyReply } from 'fastify';
import { hijack } from './hijack.js';
import { onClose } from './on-close.js';

/** Milliseconds between two newlines sent while a run is awaited: proxies and clients close silent connections. */
const KEEP_ALIVE_MS = 5_000;
/** Milliseconds after which headers go out by themselves; an answer that is there sooner takes them along. */
const HEADERS_MS = 20;

/** The body of a waiting response, decided before the status line goes out. */
export interface WaitBody {
  headers: Record<string, string>;
  /** JSON text of the answer. */
  json: Promise<string>;
  /** The client went away before the answer was there. */
  onLeave?: () => void;
}

/**
 * Answers with JSON that is not known yet. Leading newlines keep the connection alive, which JSON parsers skip; the
 * status is 200 from the first byte, so whoever makes the JSON reports failures inside it (contract 0.3).
 */
export async function waitForJson(reply: FastifyReply, { headers, json, onLeave }: WaitBody): Promise<void> {
  const response = hijack(reply, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  const flush = setTimeout(() => response.flushHeaders(), HEADERS_MS);
  const keepAlive = setInterval(() => response.write('\n'), KEEP_ALIVE_MS);
  onClose(response, () => {
    clearTimeout(flush);
    clearInterval(keepAlive);
    if (!response.writableEnded) {
      onLeave?.();
    }
  });
  try {
    response.end(await json);
  } catch {
    response.destroy();
  } finally {
    clearTimeout(flush);
    clearInterval(keepAlive);
  }
}

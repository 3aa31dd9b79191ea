import type { FastifyReply } from 'fastify';
import { hijack } from './hijack.js';
import { onClose } from './on-close.js';

/** Interval of newlines that keep the connection open: proxies and clients close silent connections. */
const KEEP_ALIVE_INTERVAL_MS = 5_000;
/** Delay after which headers are flushed. An earlier response is sent together with its headers. */
const HEADERS_FLUSH_DELAY_MS = 20;

/** Headers and body of a waiting response, determined before the status line is sent. */
export interface WaitBody {
  headers: Record<string, string>;
  /** The response body. */
  json: Promise<string>;
  /** The client disconnected before the response was sent. */
  onDisconnect?: () => void;
}

/**
 * Responds with JSON that is not available yet. Leading newlines, which JSON parsers skip, keep the connection alive. The
 * status is 200 from the first byte, so the JSON itself reports failures (contract 0.3).
 */
export async function waitForJson(reply: FastifyReply, { headers, json, onDisconnect }: WaitBody): Promise<void> {
  const response = hijack(reply, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  const flush = setTimeout(() => response.flushHeaders(), HEADERS_FLUSH_DELAY_MS);
  const keepAlive = setInterval(() => response.write('\n'), KEEP_ALIVE_INTERVAL_MS);
  onClose(response, () => {
    clearTimeout(flush);
    clearInterval(keepAlive);
    if (!response.writableEnded) {
      onDisconnect?.();
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

import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { hijack } from '../common/index.js';

/** Sends what an app has answered, each piece as soon as it is there, and no faster than the client takes it. */
export async function sendResponse(reply: FastifyReply, answer: Response): Promise<void> {
  const response = hijack(reply, headersOf(answer), answer.status);
  const reader = answer.body?.getReader();
  if (!reader || reply.request.method === 'HEAD') {
    void reader?.cancel();
    response.end();
    return;
  }
  response.flushHeaders();
  const leave = (): void => void reader.cancel().catch(() => undefined);
  response.once('close', leave);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (!response.write(next.value) && !response.destroyed) {
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    }
    response.end();
  } catch {
    // The status line has gone out: a clean end would pass for the whole answer.
    response.destroy();
  } finally {
    response.off('close', leave);
  }
}

function headersOf({ headers }: Response): Record<string, string | string[]> {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) };
}

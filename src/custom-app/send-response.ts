import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { hijack } from '../http/index.js';

/** Streams the response of an app, each chunk as soon as it is available, with backpressure from the client. */
export async function sendResponse(reply: FastifyReply, appResponse: Response): Promise<void> {
  const response = hijack(reply, headersOf(appResponse), appResponse.status);
  const reader = appResponse.body?.getReader();
  if (!reader || reply.request.method === 'HEAD') {
    void reader?.cancel();
    response.end();
    return;
  }
  response.flushHeaders();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  response.once('close', cancel);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (!response.write(next.value) && !response.destroyed) {
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    }
    response.end();
  } catch {
    // The status line was already sent: a clean end would look like a complete response.
    response.destroy();
  } finally {
    response.off('close', cancel);
  }
}

function headersOf({ headers }: Response): Record<string, string | string[]> {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) };
}

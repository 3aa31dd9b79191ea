import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ApiError, HeadersTooLargeError, RequestTimeoutError } from '../errors/api-error.js';

/** Milliseconds in which the headers of a request must have arrived, counted from the beginning of its connection. */
const HEADERS_MS = 30_000;
/** Milliseconds between two looks for requests that are late. */
const LOOK_MS = 5_000;
/** Milliseconds for which a client may take nothing of what is sent to it. Node has times of its own between requests. */
const UNREAD_MS = 60_000;

/** Time limits of Node's HTTP server, all for requests: how long an answer takes does not matter. */
export const arrivalLimits = (requestMs: number) => ({
  requestTimeout: requestMs,
  http: {
    headersTimeout: Math.min(HEADERS_MS, requestMs),
    connectionsCheckingInterval: Math.min(LOOK_MS, Math.ceil(requestMs / 2)),
  },
});

/**
 * Breaks off a response whose client has taken nothing of it for a while: it would hold its connection and what waits to be
 * sent for ever. A server that is silent, because a run takes its time, has nothing waiting.
 */
export function dropWhenUnread(response: ServerResponse, unreadMs = UNREAD_MS): void {
  const { socket } = response;
  // Requests of this process have none.
  if (typeof socket?.setTimeout !== 'function') {
    return;
  }
  response.setTimeout(unreadMs, () => {
    if (socket.writableLength > 0 || response.writableLength > 0) {
      response.destroy();
    }
  });
}

/** Answers what did not get as far as a request, for the same reason that Node has, in our words. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, ...body } = refusalOf(error.code);
  const json = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(json)}\r\nconnection: close\r\n\r\n${json}`,
    // Whoever is too slow to send may be too slow to take its answer, too.
    () => socket.destroy(),
  );
}

function refusalOf(reason: string | undefined): { status: number; detail: string; code: string } {
  switch (reason) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return inWireForm(new RequestTimeoutError());
    case 'HPE_HEADER_OVERFLOW':
      return inWireForm(new HeadersTooLargeError());
    default:
      return { status: 400, detail: 'The request is not HTTP/1.1.', code: 'bad_request' };
  }
}

const inWireForm = ({ status, message: detail, code }: ApiError) => ({ status, detail, code });

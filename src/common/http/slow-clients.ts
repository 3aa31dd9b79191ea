import type { ServerResponse } from 'node:http';

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

import type { ServerResponse } from 'node:http';

/** Milliseconds within which the headers of a request must arrive after the connection was opened. */
const HEADERS_TIMEOUT_MS = 30_000;
/** Interval at which Node checks for requests that timed out. */
const TIMEOUT_CHECK_INTERVAL_MS = 5_000;
/** Milliseconds for which a client may read nothing of a response. Idle connections have Node's own timeouts. */
const STALLED_TIMEOUT_MS = 60_000;

/** Timeouts of Node's HTTP server. They apply to requests only; a response may take any time. */
export const requestTimeouts = (requestMs: number) => ({
  requestTimeout: requestMs,
  http: {
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestMs),
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, Math.ceil(requestMs / 2)),
  },
});

/**
 * Destroys a response that its client has stopped reading: it would hold the connection and the buffered data forever. A
 * response that is silent because its run is still working has no buffered data, and is not affected.
 */
export function destroyStalledResponse(response: ServerResponse, timeoutMs = STALLED_TIMEOUT_MS): void {
  const { socket } = response;
  // In-process requests have no socket.
  if (typeof socket?.setTimeout !== 'function') {
    return;
  }
  response.setTimeout(timeoutMs, () => {
    if (socket.writableLength > 0 || response.writableLength > 0) {
      response.destroy();
    }
  });
}

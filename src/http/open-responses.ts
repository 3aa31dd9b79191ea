import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onClose } from './on-close.js';

/** Milliseconds that a closing server waits for pending responses. */
const SHUTDOWN_RESPONSE_TIMEOUT_MS = 5_000;

/** Responses that last as long as a run: streams and waits. */
const open = new Set<ServerResponse>();
/** All other responses, until they are sent. */
const pending = new Set<ServerResponse>();
/** Set by {@link announceShutdown}. */
let isAnnounced = false;
/** Set by {@link destroyOpenResponses}. */
let isClosing = false;

/** Tracks a response until it is sent, so that a closing server can wait for it. */
export function trackResponse(response: ServerResponse): void {
  pending.add(response);
  onClose(response, () => pending.delete(response));
  if (isAnnounced) {
    response.setHeader('connection', 'close');
  }
}

/** Tracks a hijacked response until it is closed, so that shutdown can destroy it. */
export function trackOpenResponse(response: ServerResponse): void {
  pending.delete(response);
  open.add(response);
  onClose(response, () => open.delete(response));
  if (isClosing) {
    setImmediate(() => destroy(response));
  }
}

/**
 * From now on responses carry `connection: close`, so that clients do not reuse a connection that is about to close: their
 * requests would be lost. Must be called well before the server closes.
 */
export function announceShutdown(): void {
  isAnnounced = true;
}

/** Destroys the connection of every open stream and wait. */
export function destroyOpenResponses(): void {
  isClosing = true;
  open.forEach(destroy);
}

/** Resolves when all current requests have been answered, so that their clients know the outcome. */
export async function pendingResponsesSent(): Promise<void> {
  const sent = Promise.all([...pending].map((response) => once(response, 'close')));
  await Promise.race([sent, sleep(SHUTDOWN_RESPONSE_TIMEOUT_MS, undefined, { ref: false })]);
}

/**
 * To an SDK a clean end means that the run has finished. A broken connection means: reconnect to the URL in the headers,
 * which must therefore be sent first.
 */
function destroy(response: ServerResponse): void {
  response.flushHeaders();
  response.destroy();
}

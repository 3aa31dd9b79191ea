import type { ServerResponse } from 'node:http';

const open = new Set<ServerResponse>();

/** Remembers a hijacked response until it is closed, so that shutdown can break it off. */
export function trackOpenResponse(response: ServerResponse): void {
  open.add(response);
  response.once('close', () => open.delete(response));
}

/**
 * Cuts the connection of every open stream and wait. To an SDK a clean end means that the run has finished; a broken
 * connection means "reconnect".
 */
export function breakOffOpenResponses(): void {
  for (const response of open) {
    response.destroy();
  }
}

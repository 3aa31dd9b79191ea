import type { ServerResponse } from 'node:http';

/** Calls back when a response closes, or asynchronously if the client has already disconnected. */
export function onClose(response: ServerResponse, callback: () => void): void {
  if (response.closed) {
    queueMicrotask(callback);
  } else {
    response.once('close', callback);
  }
}

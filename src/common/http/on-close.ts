import type { ServerResponse } from 'node:http';

/** Calls back when a response is closed; soon when it is already, because its client left before anybody listened. */
export function onClose(response: ServerResponse, callback: () => void): void {
  if (response.closed) {
    queueMicrotask(callback);
  } else {
    response.once('close', callback);
  }
}

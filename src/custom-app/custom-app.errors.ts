/**
 * `http.app` cannot be used. It stops the start, a reload keeps the app loaded before; it is meant for the person who has started
 * the server.
 */
export class HttpAppLoadError extends Error {
  constructor(
    readonly location: string,
    reason: string,
    cause?: unknown,
  ) {
    super(`The custom routes of http.app cannot be loaded (${location}): ${reason}`, { cause });
    this.name = 'HttpAppLoadError';
  }
}

/** `http.app` cannot be used. The server does not start, and prints this message; a reload keeps the previous app. */
export class HttpAppLoadError extends Error {
  constructor(
    readonly location: string,
    reason: string,
    cause?: unknown,
  ) {
    super(`Cannot load the custom routes of http.app (${location}): ${reason}`, { cause });
    this.name = 'HttpAppLoadError';
  }
}

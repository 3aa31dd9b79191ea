import { StartupError } from '../common/index.js';

/** `http.app` cannot be used. The server does not start, and prints this message; a reload keeps the previous app. */
export class HttpAppLoadError extends StartupError {
  constructor(
    readonly location: string,
    reason: string,
    cause?: unknown,
  ) {
    super(`Cannot load the custom routes of http.app (${location}): ${reason}`, { cause });
  }
}

import { ApiError } from '../common/index.js';

/** The caller has sent as many requests as it may in a minute. */
export class RateLimitedError extends ApiError {
  constructor(perMinute: number, retryAfterSecs: number) {
    super({
      status: 429,
      code: 'rate_limited',
      detail: `More than ${perMinute} requests in a minute. Try again in ${retryAfterSecs} seconds.`,
    });
  }
}

/** The caller has as many streams and waits open as it may. */
export class TooManyStreamsError extends ApiError {
  constructor(limit: number) {
    super({
      status: 429,
      code: 'too_many_streams',
      detail: `${limit} streams and waits of yours are open. Close one, or create the run in the background.`,
    });
  }
}

import { ApiError } from '../common/index.js';

/** The caller has exceeded its number of requests per minute. */
export class RateLimitedError extends ApiError {
  constructor(perMinute: number, retryAfterSecs: number) {
    super({
      status: 429,
      code: 'rate_limited',
      detail: `More than ${perMinute} requests in a minute. Retry in ${retryAfterSecs} seconds.`,
    });
  }
}

/** The caller has reached its number of open streams and waits. */
export class TooManyStreamsError extends ApiError {
  constructor(limit: number) {
    super({
      status: 429,
      code: 'too_many_streams',
      detail: `Too many open streams and waits: ${limit} of ${limit}. Close one and retry, or create a background run.`,
    });
  }
}

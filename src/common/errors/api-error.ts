/** One rejected field: its path (`config.recursion_limit`) and the problem. */
export interface FieldProblem {
  path: string;
  message: string;
}

export interface ApiErrorFields {
  /** HTTP status. */
  status: number;
  /** Stable identifier, listed in docs/errors.md; never reused. */
  code: string;
  /** Human-readable: what happened and what to do. */
  detail: string;
  errors?: FieldProblem[];
  /** Response headers, such as `retry-after`. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/** Base class of all expected errors of the API. The filter converts it to `{detail, code}` (contract 0.4 R2). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors?: FieldProblem[];
  readonly headers: Record<string, string>;

  constructor({ status, code, detail, errors, headers = {}, cause }: ApiErrorFields) {
    super(detail, { cause });
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }
}

/** Maximum number of rejected fields in a response: a body may have as many as it has values. */
const MAX_PROBLEMS = 100;

/** The body, a path parameter or the query does not fit its schema. Nothing has been changed. */
export class ValidationFailedError extends ApiError {
  constructor(problems: FieldProblem[]) {
    const errors = problems.slice(0, MAX_PROBLEMS);
    const sentences = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : [];
    super({ status: 422, code: 'validation_failed', detail: [...sentences, ...more].join('; '), errors });
  }
}

/** The request body is not JSON. */
export class MalformedJsonError extends ApiError {
  constructor(reason: string) {
    super({ status: 422, code: 'malformed_json', detail: `The request body is not valid JSON: ${reason}` });
  }
}

/** The request body is larger than the limit (contract 0.4 R11). */
export class BodyTooLargeError extends ApiError {
  constructor() {
    super({
      status: 413,
      code: 'body_too_large',
      detail: 'The request body is too large; the limit is NESTGRAPH_BODY_LIMIT_MB.',
    });
  }
}

/** The request did not arrive in time, although its connection was open. */
export class RequestTimeoutError extends ApiError {
  constructor() {
    super({
      status: 408,
      code: 'request_timeout',
      detail: 'The request took too long to arrive; the limit is NESTGRAPH_REQUEST_TIMEOUT_SECS.',
    });
  }
}

/** The request line and headers exceed Node's limit. */
export class HeadersTooLargeError extends ApiError {
  constructor() {
    super({
      status: 431,
      code: 'headers_too_large',
      detail: 'The headers or the URL of the request are too long.',
    });
  }
}

/** The server has no route with this method. */
export class MethodNotAllowedError extends ApiError {
  constructor(method: string) {
    super({
      status: 405,
      code: 'method_not_allowed',
      detail: `This server has no route for the method ${method}.`,
      headers: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
    });
  }
}

/** The client disconnected while it sent the body. No client reads the response; it is not logged as a server error. */
export class RequestAbortedError extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'request_aborted',
      detail: 'The connection was closed before the request was complete.',
    });
  }
}

/** A value of the request is nested too deeply to be traversed. */
export class NestedTooDeeplyError extends ApiError {
  constructor() {
    super({
      status: 422,
      code: 'nested_too_deeply',
      detail: 'The request is nested too deeply; a body may have 1,000 levels of lists and objects.',
    });
  }
}

/** The body has too many values: parsing them would block the process. */
export class TooManyValuesError extends ApiError {
  constructor(limit: number) {
    super({
      status: 422,
      code: 'too_many_values',
      detail: `The request body has more than ${limit} values (scalars, lists and objects); the limit is NESTGRAPH_BODY_LIMIT_VALUES.`,
    });
  }
}

/** A known parameter that this version does not support: rejected, because ignoring it would mislead the caller. */
export class UnsupportedParameterError extends ApiError {
  constructor(path: string, reason: string) {
    super({
      status: 422,
      code: 'unsupported_parameter',
      detail: `${path}: ${reason}`,
      errors: [{ path, message: reason }],
    });
  }
}

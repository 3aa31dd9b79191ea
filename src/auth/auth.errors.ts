import { ApiError } from '../common/index.js';

/** Nobody is known by what the request says about its sender. */
export class UnauthenticatedError extends ApiError {
  /** `headers` are those of the response, for example `www-authenticate`. */
  constructor(detail = 'Authentication is needed.', headers?: Record<string, string>) {
    super({ status: 401, code: 'unauthenticated', detail, headers });
  }
}

/** The caller is known, and may not do this. */
export class ForbiddenError extends ApiError {
  constructor(detail = 'Not authorized') {
    super({ status: 403, code: 'forbidden', detail });
  }
}

/** A web page of an origin that may not call this server. */
export class OriginRefusedError extends ApiError {
  constructor() {
    super({
      status: 403,
      code: 'origin_refused',
      detail: 'Pages of this origin may not call this server. Its log says how to allow them.',
      headers: { vary: 'Origin' },
    });
  }
}

/** The `Host` header names another server. */
export class HostRefusedError extends ApiError {
  constructor() {
    super({
      status: 403,
      code: 'host_refused',
      detail: 'This server does not answer to this host name. Its log says how to allow it.',
    });
  }
}

/** A handler of the auth module refuses the request with a status of its own. */
export class AuthRefusalError extends ApiError {
  constructor(status: number, detail: string, headers: Record<string, string>, cause: unknown) {
    super({ status, code: 'auth_refused', detail, headers, cause });
  }
}

/** A handler of the auth module has failed, or returned what no handler may; nobody is let in. */
export class AuthHandlerError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`The auth module of langgraph.json: ${reason}.`, { cause });
    this.name = 'AuthHandlerError';
  }
}

/** The file that `auth.path` names cannot be used. It stops the start; a reload keeps the rules loaded before. */
export class AuthLoadError extends Error {
  constructor(file: string, reason: string, cause?: unknown) {
    super(`auth.path of langgraph.json (${file}): ${reason}.`, { cause });
    this.name = 'AuthLoadError';
  }
}

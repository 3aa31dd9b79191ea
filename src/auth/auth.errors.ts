import { ApiError, StartupError } from '../common/index.js';

/** The request has no valid credentials. */
export class UnauthenticatedError extends ApiError {
  /** `headers` are those of the response, for example `www-authenticate`. */
  constructor(detail = 'Authentication is required.', headers?: Record<string, string>) {
    super({ status: 401, code: 'unauthenticated', detail, headers });
  }
}

/** The caller is authenticated, but not authorized. */
export class ForbiddenError extends ApiError {
  constructor(detail = 'Not authorized') {
    super({ status: 403, code: 'forbidden', detail });
  }
}

/** The request comes from a web page whose origin may not call this server. */
export class OriginRefusedError extends ApiError {
  constructor() {
    super({
      status: 403,
      code: 'origin_refused',
      detail: 'Web pages of this origin may not call this server. The server log explains how to allow the origin.',
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
      detail: 'This server does not accept this host name. The server log explains how to allow it.',
    });
  }
}

/** A handler of the auth module rejected the request with its own status. */
export class AuthRefusalError extends ApiError {
  constructor(status: number, detail: string, headers: Record<string, string>, cause: unknown) {
    super({ status, code: 'auth_refused', detail, headers, cause });
  }
}

/** A handler of the auth module failed or returned an invalid value. The request is rejected. */
export class AuthHandlerError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`The auth module of langgraph.json: ${reason}.`, { cause });
    this.name = 'AuthHandlerError';
  }
}

/** A route decides a permission that its `@Requires` does not list: an error of the route. The request is rejected. */
export class UndeclaredPermissionError extends Error {
  constructor(event: string, required: readonly string[]) {
    super(`The route requires ${required.join(', ')}, but decides ${event}. Add ${event} to its @Requires.`);
    this.name = 'UndeclaredPermissionError';
  }
}

/** Routes have neither `@Requires` nor `@Public`. The server does not start. */
export class MissingPermissionError extends StartupError {
  constructor(routes: readonly string[]) {
    super(
      `${routes.join(', ')}: no permission is declared. Add @Requires with the permission, or @Public when callers need none.`,
    );
  }
}

/** The file of `auth.path` cannot be used. The server does not start; a reload keeps the previously loaded rules. */
export class AuthLoadError extends StartupError {
  constructor(file: string, reason: string, cause?: unknown) {
    super(`auth.path of langgraph.json (${file}): ${reason}.`, { cause });
  }
}

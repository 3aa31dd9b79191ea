import type { AuthEvent } from './auth-events.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthUser } from './auth-user.js';

/** Identifies the caller of a request. */
export interface Authenticator {
  /** Throws `UnauthenticatedError` when the credentials are missing or invalid. `request` has no body. */
  authenticate(request: Request): Promise<AuthUser>;
}

/** What the caller requests. */
export interface AuthRequest {
  event: AuthEvent;
  user: AuthUser;
  /** The fields of the request. The authorizer may change them; the server uses the changed fields. */
  value: Record<string, unknown>;
}

/** Decides what the caller may do. */
export interface Authorizer {
  /** Returns a filter for the rows that the caller may see; undefined for all. Throws `ForbiddenError`. */
  authorize(request: AuthRequest): Promise<AuthFilter | undefined>;
}

import type { AuthEvent } from './auth-events.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthUser } from './auth-user.js';

/** Finds out who sends a request. */
export interface Authenticator {
  /** Throws `UnauthenticatedError` when the request does not say, or is not believed. `request` has no body. */
  authenticate(request: Request): Promise<AuthUser>;
}

/** What somebody wants to do. */
export interface AuthRequest {
  event: AuthEvent;
  user: AuthUser;
  /** The fields of the request. They may be changed: what stands in them afterwards is done. */
  value: Record<string, unknown>;
}

/** Decides what somebody may do. */
export interface Authorizer {
  /** Which rows the caller may see; all when undefined. Throws `ForbiddenError`. */
  authorize(request: AuthRequest): Promise<AuthFilter | undefined>;
}

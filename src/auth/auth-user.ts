import { isObject } from '../common/index.js';
import type { AuthEvent } from './auth-events.js';
import { AuthHandlerError } from './auth.errors.js';

/**
 * The authenticated user, with any further properties that the authenticator adds. Graphs find it in
 * `langgraph_auth_user`.
 */
export interface AuthUser {
  /** Stable id of the user. */
  identity: string;
  display_name: string;
  is_authenticated: boolean;
  /** What the user may do; the authenticator chooses the strings. */
  permissions: string[];
  [key: string]: unknown;
}

/** The caller, as routes and services see it. Without `user`, authentication is off or the route is public. */
export interface AuthContext {
  readonly user?: AuthUser;
  /** The permissions of the route, the only ones that this request can decide. Absent outside of routes. */
  readonly requires?: readonly AuthEvent[];
}

/** No user: the server itself when it acts for no user, and every caller while authentication is not configured. */
export const ANONYMOUS: AuthContext = {};

/** LangGraph Studio, which authenticates by its own header (contract 6.3). */
export const STUDIO_USER: AuthUser = {
  kind: 'StudioUser',
  identity: 'langgraph-studio-user',
  display_name: 'langgraph-studio-user',
  is_authenticated: true,
  permissions: [],
};

/** Each request gets its own copy, because handlers may change the user object. */
export const cloneUser = (user: AuthUser): AuthUser => ({ ...user, permissions: [...user.permissions] });

/**
 * Normalizes the user that an authenticator returns: a string is the identity, an object must have one (behaviours
 * 11.4). Throws {@link AuthHandlerError} for anything else.
 */
export function toUser(returned: unknown): AuthUser {
  const given = typeof returned === 'string' ? { identity: returned } : returned;
  if (!isObject(given) || typeof given.identity !== 'string' || given.identity === '') {
    throw new AuthHandlerError('authenticate must return a string or an object with a non-empty string identity');
  }
  const { permissions = [], is_authenticated = true, display_name = given.identity } = given;
  if (!Array.isArray(permissions)) {
    throw new AuthHandlerError('authenticate returned permissions that are not a list');
  }
  return {
    ...given,
    identity: given.identity,
    permissions: permissions.map(String),
    is_authenticated: Boolean(is_authenticated),
    display_name: String(display_name),
  };
}

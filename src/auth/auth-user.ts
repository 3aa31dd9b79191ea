import { isObject } from '../common/index.js';
import { AuthHandlerError } from './auth.errors.js';

/** Who is calling. Besides these, whatever the authenticator adds: graphs find all of it in `langgraph_auth_user`. */
export interface AuthUser {
  /** Stable id of the user. */
  identity: string;
  display_name: string;
  is_authenticated: boolean;
  /** What the user may do, in words of the authenticator's choice. */
  permissions: string[];
  [key: string]: unknown;
}

/** Who is calling, as far as routes are concerned; without a user nobody has to say who they are. */
export interface AuthContext {
  readonly user?: AuthUser;
}

/** The server itself, when it acts on nobody's behalf, and everybody where authentication is not configured. */
export const NOBODY: AuthContext = {};

/** LangGraph Studio, which signs in by a header of its own (contract 6.3). */
export const STUDIO_USER: AuthUser = {
  kind: 'StudioUser',
  identity: 'langgraph-studio-user',
  display_name: 'langgraph-studio-user',
  is_authenticated: true,
  permissions: [],
};

/** For a request of its own: handlers may change the user that they are given. */
export const copyOf = (user: AuthUser): AuthUser => ({ ...user, permissions: [...user.permissions] });

/**
 * What an authenticator returns as a user: a text is the identity, an object needs one (behaviours 11.4). Throws
 * {@link AuthHandlerError} for anything else.
 */
export function toUser(returned: unknown): AuthUser {
  const given = typeof returned === 'string' ? { identity: returned } : returned;
  if (!isObject(given) || typeof given.identity !== 'string' || given.identity === '') {
    throw new AuthHandlerError('authenticate returned neither a text nor an object with an identity');
  }
  const { permissions = [], is_authenticated = true, display_name = given.identity } = given;
  if (!Array.isArray(permissions)) {
    throw new AuthHandlerError('authenticate returned permissions that are no list');
  }
  return {
    ...given,
    identity: given.identity,
    permissions: permissions.map(String),
    is_authenticated: Boolean(is_authenticated),
    display_name: String(display_name),
  };
}

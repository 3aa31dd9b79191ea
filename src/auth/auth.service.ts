import { UndeclaredPermissionError } from './auth.errors.js';
import type { AuthEvent } from './auth-events.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthContext } from './auth-user.js';
import { ANONYMOUS } from './auth-user.js';
import type { Authenticator, Authorizer } from './authenticator.js';

/** A request that was authorized. */
export interface Authorized<T> {
  /** The fields of the request, with the changes of the handler. */
  value: T;
  /** The rows that the request may access; all when undefined. */
  filter?: AuthFilter;
}

/** Without an authenticator callers are anonymous, without an authorizer they may do everything. */
export interface AuthRules {
  authenticator?: Authenticator;
  authorizer?: Authorizer;
}

/** Authenticates and authorizes requests. Without an authenticator, every caller may do everything. */
export class AuthService {
  constructor(private rules: AuthRules = {}) {}

  /** For requests that come from now on. Whether there is an authenticator stays as it is. */
  replaceRules(rules: AuthRules): void {
    this.rules = rules;
  }

  /** Whether callers must authenticate. */
  get isOn(): boolean {
    return this.rules.authenticator !== undefined;
  }

  /** Whether an authorizer restricts callers. */
  get hasRules(): boolean {
    return this.rules.authorizer !== undefined;
  }

  /** Throws `UnauthenticatedError`. `request` has no body. */
  async authenticate(request: Request): Promise<AuthContext> {
    const { authenticator } = this.rules;
    return authenticator ? { user: await authenticator.authenticate(request) } : ANONYMOUS;
  }

  /**
   * Handlers may change the fields of a shallow copy of `value`; `value` itself is not changed. Throws
   * `ForbiddenError`.
   */
  async authorize<T extends object>(auth: AuthContext, event: AuthEvent, value: T): Promise<Authorized<T>> {
    const { user, requires } = auth;
    if (requires && !requires.includes(event)) {
      throw new UndeclaredPermissionError(event, requires);
    }
    const { authorizer } = this.rules;
    if (!authorizer || !user) {
      return { value };
    }
    const given = { ...value } as T & Record<string, unknown>;
    const filter = await authorizer.authorize({ event, user, value: given });
    return { value: given, filter };
  }
}

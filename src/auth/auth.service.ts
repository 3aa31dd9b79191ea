import type { AuthEvent } from './auth-events.js';
import type { AuthFilter } from './auth-filter.js';
import type { AuthContext } from './auth-user.js';
import { NOBODY } from './auth-user.js';
import type { Authenticator, Authorizer } from './authenticator.js';

/** A request that may be carried out. */
export interface Authorized<T> {
  /** The fields of the request as they are to be used. */
  value: T;
  /** Which rows it may reach; all when undefined. */
  filter?: AuthFilter;
}

/** Without an authenticator callers are unknown, without an authorizer they may do everything. */
export interface AuthRules {
  authenticator?: Authenticator;
  authorizer?: Authorizer;
}

/** Who may do what. Without an authenticator everybody may do everything. */
export class AuthService {
  constructor(private rules: AuthRules = {}) {}

  /** For requests that come from now on. Whether there is an authenticator stays as it is. */
  replaceRules(rules: AuthRules): void {
    this.rules = rules;
  }

  /** Whether callers have to say who they are. */
  get isOn(): boolean {
    return this.rules.authenticator !== undefined;
  }

  /** Whether callers may do less than everything. */
  get hasRules(): boolean {
    return this.rules.authorizer !== undefined;
  }

  /** Throws `UnauthenticatedError`. `request` has no body. */
  async authenticate(request: Request): Promise<AuthContext> {
    const { authenticator } = this.rules;
    return authenticator ? { user: await authenticator.authenticate(request) } : NOBODY;
  }

  /** Handlers may change the fields of `value`, which itself stays as it is. Throws `ForbiddenError`. */
  async authorize<T extends object>({ user }: AuthContext, event: AuthEvent, value: T): Promise<Authorized<T>> {
    const { authorizer } = this.rules;
    if (!authorizer || !user) {
      return { value };
    }
    const given = { ...value } as T & Record<string, unknown>;
    const filter = await authorizer.authorize({ event, user, value: given });
    return { value: given, filter };
  }
}

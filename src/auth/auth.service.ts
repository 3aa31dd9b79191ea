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

/** Who may do what. Without an authenticator everybody may do everything. */
export class AuthService {
  constructor(
    private readonly authenticator?: Authenticator,
    private readonly authorizer?: Authorizer,
  ) {}

  /** Whether callers have to say who they are. */
  get isOn(): boolean {
    return this.authenticator !== undefined;
  }

  /** Whether callers may do less than everything. */
  get hasRules(): boolean {
    return this.authorizer !== undefined;
  }

  /** Throws `UnauthenticatedError`. `request` has no body. */
  async authenticate(request: Request): Promise<AuthContext> {
    return this.authenticator ? { user: await this.authenticator.authenticate(request) } : NOBODY;
  }

  /** Handlers may change the fields of `value`, which itself stays as it is. Throws `ForbiddenError`. */
  async authorize<T extends object>({ user }: AuthContext, event: AuthEvent, value: T): Promise<Authorized<T>> {
    if (!this.authorizer || !user) {
      return { value };
    }
    const given = { ...value } as T & Record<string, unknown>;
    const filter = await this.authorizer.authorize({ event, user, value: given });
    return { value: given, filter };
  }
}

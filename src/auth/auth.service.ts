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

/** Authenticates and authorizes requests. Without an authenticator, every caller may do everything. */
export class AuthService {
  constructor(
    private readonly authenticator?: Authenticator,
    private readonly authorizer?: Authorizer,
  ) {}

  /** Whether callers must authenticate. */
  get isOn(): boolean {
    return this.authenticator !== undefined;
  }

  /** Whether an authorizer restricts callers. */
  get hasRules(): boolean {
    return this.authorizer !== undefined;
  }

  /** Throws `UnauthenticatedError`. `request` has no body. */
  async authenticate(request: Request): Promise<AuthContext> {
    return this.authenticator ? { user: await this.authenticator.authenticate(request) } : ANONYMOUS;
  }

  /**
   * Handlers may change the fields of a shallow copy of `value`; `value` itself is not changed. Throws
   * `ForbiddenError`.
   */
  async authorize<T extends object>({ user }: AuthContext, event: AuthEvent, value: T): Promise<Authorized<T>> {
    if (!this.authorizer || !user) {
      return { value };
    }
    const given = { ...value } as T & Record<string, unknown>;
    const filter = await this.authorizer.authorize({ event, user, value: given });
    return { value: given, filter };
  }
}

import { UnauthenticatedError } from './auth.errors.js';
import type { AuthUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** Accepts a request that one of several authenticators accepts. */
export class EitherAuth implements Authenticator {
  constructor(private readonly authenticators: readonly Authenticator[]) {}

  /** Throws the rejection of the last authenticator. Any error other than a rejection is thrown at once. */
  async authenticate(request: Request): Promise<AuthUser> {
    let refusal = new UnauthenticatedError();
    for (const authenticator of this.authenticators) {
      try {
        return await authenticator.authenticate(request);
      } catch (error) {
        if (!(error instanceof UnauthenticatedError)) {
          throw error;
        }
        refusal = error;
      }
    }
    throw refusal;
  }
}

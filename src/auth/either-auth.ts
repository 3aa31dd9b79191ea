import { UnauthenticatedError } from './auth.errors.js';
import type { AuthUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** Whoever is known to one of several authenticators. */
export class EitherAuth implements Authenticator {
  constructor(private readonly authenticators: readonly Authenticator[]) {}

  /** Throws what the last one says, unless one has failed in another way. */
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

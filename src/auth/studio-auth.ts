import { type AuthUser, cloneUser, STUDIO_USER } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/**
 * Accepts LangGraph Studio by its header and passes other callers to the next authenticator. It wraps the cache,
 * because the header alone decides.
 */
export class StudioAuth implements Authenticator {
  constructor(private readonly others: Authenticator) {}

  authenticate(request: Request): Promise<AuthUser> {
    return request.headers.get('x-auth-scheme') === 'langsmith'
      ? Promise.resolve(cloneUser(STUDIO_USER))
      : this.others.authenticate(request);
  }
}

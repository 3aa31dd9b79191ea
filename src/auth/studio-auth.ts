import { type AuthUser, copyOf, STUDIO_USER } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** Lets LangGraph Studio in by its header; other callers are authenticated. In front of any cache: the header alone decides. */
export class StudioAuth implements Authenticator {
  constructor(private readonly others: Authenticator) {}

  authenticate(request: Request): Promise<AuthUser> {
    return request.headers.get('x-auth-scheme') === 'langsmith'
      ? Promise.resolve(copyOf(STUDIO_USER))
      : this.others.authenticate(request);
  }
}

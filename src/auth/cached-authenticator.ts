import { createHash } from 'node:crypto';
import type { AuthUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

export interface AuthCacheSettings {
  /** Headers that together say who somebody is. */
  headers: readonly string[];
  ttl_ms: number;
  max_size: number;
}

/** Asks once for each set of credentials, and again when some time has passed. Refusals are not remembered. */
export class CachedAuthenticator implements Authenticator {
  private readonly known = new Map<string, { user: AuthUser; until: number }>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly settings: AuthCacheSettings,
  ) {}

  async authenticate(request: Request): Promise<AuthUser> {
    const key = this.keyOf(request);
    const known = key === undefined ? undefined : this.known.get(key);
    if (known && known.until > performance.now()) {
      return known.user;
    }
    const user = await this.authenticator.authenticate(request);
    if (key !== undefined) {
      this.remember(key, user);
    }
    return user;
  }

  /** A digest, so that memory holds no credentials. Undefined for a request without any: it may be known by something else. */
  private keyOf({ headers }: Request): string | undefined {
    const given = this.settings.headers.map((name) => headers.get(name));
    return given.every((value) => value === null)
      ? undefined
      : createHash('sha256').update(JSON.stringify(given)).digest('base64');
  }

  private remember(key: string, user: AuthUser): void {
    this.known.delete(key);
    this.known.set(key, { user, until: performance.now() + this.settings.ttl_ms });
    if (this.known.size > this.settings.max_size) {
      // The one that was remembered first.
      this.known.delete(this.known.keys().next().value!);
    }
  }
}

import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { type AuthUser, cloneUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';
import { type Reads, track } from './tracked-request.js';

export interface AuthCacheSettings {
  /** Headers that together identify a caller. */
  headers: readonly string[];
  ttl_ms: number;
  max_size: number;
}

/** With more names than this, the cache key covers the whole request. */
const MAX_NAMES = 50;

/**
 * Caches the user for each set of credentials until `ttl_ms` has passed. Rejections are not cached.
 *
 * The cache key covers everything that a decision depended on: the headers of the settings, and everything else that
 * the authenticator has ever read from a request. An authenticator that reads a tenant header beside the token is
 * called once per tenant.
 */
export class CachedAuthenticator implements Authenticator {
  private readonly logger = new Logger('Auth');
  private readonly known = new Map<string, { user: AuthUser; until: number }>();
  private readonly headers: Set<string>;
  private readonly fields = new Set<'method' | 'url'>();
  private isWholeRequest = false;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly settings: AuthCacheSettings,
  ) {
    this.headers = new Set(settings.headers.map((name) => name.toLowerCase()));
  }

  async authenticate(request: Request): Promise<AuthUser> {
    if (!this.hasCredentials(request)) {
      return this.authenticator.authenticate(request);
    }
    const known = this.known.get(this.keyOf(request));
    if (known && known.until > performance.now()) {
      return cloneUser(known.user);
    }
    // The handler gets the original request; the cache key is computed from a copy.
    const { method, url } = request;
    const copy = new Request(url, { method, headers: request.headers });
    const reads = this.newReads();
    const user = await this.authenticator.authenticate(track(request, reads));
    // A handler without a noticed read must have read the request in an untracked way: its result is not cached.
    if (reads.areAny) {
      this.remember(this.keyOf(copy), user);
    }
    return cloneUser(user);
  }

  /** A request without credentials may be identified by other parts, so it is never cached. */
  private hasCredentials({ headers }: Request): boolean {
    return this.settings.headers.some((name) => headers.has(name));
  }

  /** Returns a digest, so that memory holds no credentials. */
  private keyOf({ headers, method, url }: Request): string {
    const parts = this.isWholeRequest
      ? [method, url, [...headers]]
      : [
          [...this.headers].map((name) => [name, headers.get(name)]),
          [...this.fields].map((name) => [name, { method, url }[name]]),
        ];
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
  }

  private newReads(): Reads & { areAny: boolean } {
    const reads = {
      areAny: false,
      header: (name: string): void => {
        reads.areAny = true;
        this.vary(this.headers, name);
      },
      field: (name: 'method' | 'url'): void => {
        reads.areAny = true;
        this.vary(this.fields, name);
      },
      everything: (): void => {
        reads.areAny = true;
        this.varyByAll('the whole request');
      },
    };
    return reads;
  }

  private vary<T extends string>(names: Set<T>, name: T): void {
    if (names.has(name) || this.isWholeRequest) {
      return;
    }
    if (names.size >= MAX_NAMES) {
      this.varyByAll(`more than ${MAX_NAMES} headers`);
      return;
    }
    names.add(name);
    this.report(names === (this.fields as Set<string>) ? `the ${name} of the request` : `the header ${name}`);
  }

  private varyByAll(what: string): void {
    if (!this.isWholeRequest) {
      this.isWholeRequest = true;
      this.report(what);
    }
  }

  private report(what: string): void {
    this.logger.warn(
      `The authenticate handler reads ${what}, which auth.cache.cache_keys does not name: ` +
        'users are cached separately for each of its values.',
    );
  }

  private remember(key: string, user: AuthUser): void {
    this.known.delete(key);
    this.known.set(key, { user: cloneUser(user), until: performance.now() + this.settings.ttl_ms });
    if (this.known.size > this.settings.max_size) {
      // Evicts the oldest entry.
      this.known.delete(this.known.keys().next().value!);
    }
  }
}

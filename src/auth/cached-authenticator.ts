import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { type AuthUser, copyOf } from './auth-user.js';
import type { Authenticator } from './authenticator.js';
import { type Reads, track } from './tracked-request.js';

export interface AuthCacheSettings {
  /** Headers that together identify a caller. */
  headers: readonly string[];
  ttl_ms: number;
  max_size: number;
}

/** Names that the key of the cache consists of at most; behind them it holds the whole request. */
const MAX_NAMES = 50;

/**
 * Asks once for each set of credentials, and again when some time has passed. Refusals are not remembered.
 *
 * The key holds everything that a decision has depended on: the headers of the settings, and whatever else the authenticator
 * has ever read of a request. One that reads a tenant's header beside the token is asked again for each tenant.
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
      return copyOf(known.user);
    }
    // The handler gets the original: a copy is what the key is made of.
    const { method, url } = request;
    const copy = new Request(url, { method, headers: request.headers });
    const reads = this.newReads();
    const user = await this.authenticator.authenticate(track(request, reads));
    // A handler that has read nothing has found a way to read that is not noticed.
    if (reads.areAny) {
      this.remember(this.keyOf(copy), user);
    }
    return copyOf(user);
  }

  /** A request without any may be known by something else. */
  private hasCredentials({ headers }: Request): boolean {
    return this.settings.headers.some((name) => headers.has(name));
  }

  /** A digest, so that memory holds no credentials. */
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
        'callers are remembered for each value of it.',
    );
  }

  private remember(key: string, user: AuthUser): void {
    this.known.delete(key);
    this.known.set(key, { user: copyOf(user), until: performance.now() + this.settings.ttl_ms });
    if (this.known.size > this.settings.max_size) {
      // The one that was remembered first.
      this.known.delete(this.known.keys().next().value!);
    }
  }
}

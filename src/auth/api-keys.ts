import { createHash, timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError } from './auth.errors.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** A key and the user it identifies. A user may have several keys, for example an old and a new one during rotation. */
export interface ApiKey {
  identity: string;
  key: string;
}

/** Authenticates callers by an API key, sent in `x-api-key` as the SDKs do, or as `Authorization: Bearer`. */
export class ApiKeyAuth implements Authenticator {
  private readonly keys: { identity: string; digest: Buffer }[];

  constructor(keys: readonly ApiKey[]) {
    this.keys = keys.map(({ identity, key }) => ({ identity, digest: digestOf(key) }));
  }

  authenticate({ headers }: Request): Promise<AuthUser> {
    const given = headers.get('x-api-key') ?? bearerOf(headers);
    const digest = digestOf(given ?? '');
    let identity: string | undefined;
    // Constant time: all keys are compared, by digests of equal length, so that the duration reveals nothing about a
    // key.
    for (const key of this.keys) {
      if (timingSafeEqual(key.digest, digest)) {
        identity = key.identity;
      }
    }
    return identity === undefined
      ? Promise.reject(
          new UnauthenticatedError(
            given ? 'Unknown API key.' : 'An API key is required. Send it in the x-api-key header.',
          ),
        )
      : Promise.resolve(toUser(identity));
  }
}

/** The token of `Authorization: Bearer`. */
export const bearerOf = (headers: Headers): string | undefined =>
  /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

import { createHash, timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError } from './auth.errors.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** A key, and whom it stands for. Several keys may stand for one: the old and the new one while they are exchanged. */
export interface ApiKey {
  identity: string;
  key: string;
}

/** Callers that send a key in `x-api-key`, as the SDKs do, or as `Authorization: Bearer`. */
export class ApiKeyAuth implements Authenticator {
  private readonly keys: { identity: string; digest: Buffer }[];

  constructor(keys: readonly ApiKey[]) {
    this.keys = keys.map(({ identity, key }) => ({ identity, digest: digestOf(key) }));
  }

  authenticate({ headers }: Request): Promise<AuthUser> {
    const given = headers.get('x-api-key') ?? bearerOf(headers);
    const digest = digestOf(given ?? '');
    let identity: string | undefined;
    // All of them, and digests of one length: how long it takes says nothing about a key.
    for (const key of this.keys) {
      if (timingSafeEqual(key.digest, digest)) {
        identity = key.identity;
      }
    }
    return identity === undefined
      ? Promise.reject(
          new UnauthenticatedError(given ? 'The API key is not known.' : 'An API key is needed: x-api-key.'),
        )
      : Promise.resolve(toUser(identity));
  }
}

/** The token of `Authorization: Bearer`. */
export const bearerOf = (headers: Headers): string | undefined =>
  /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

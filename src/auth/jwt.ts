import { readFileSync } from 'node:fs';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { JwtConfig } from '../config/index.js';
import { bearerOf } from './api-keys.js';
import { UnauthenticatedError } from './auth.errors.js';
import { type AuthUser, toUser } from './auth-user.js';
import type { Authenticator } from './authenticator.js';

/** Asymmetric signatures only: with a shared secret, every verifier could also issue tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const DISCOVERY_TIMEOUT_MS = 10_000;

/** Authenticates callers by a JWT of an identity provider, sent as `Authorization: Bearer`. */
export class JwtAuth implements Authenticator {
  private keys?: Promise<JWTVerifyGetKey>;

  constructor(private readonly settings: JwtConfig) {}

  async authenticate({ headers }: Request): Promise<AuthUser> {
    const token = bearerOf(headers);
    if (token === undefined) {
      throw rejection('A token is required. Send it as Authorization: Bearer.');
    }
    const { issuer, audience } = this.settings;
    const keys = await this.findKeys();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: [...audience],
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
      });
      return this.toUser(payload);
    } catch (error) {
      // Keys that cannot be fetched are a failure of the server, not of the caller.
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) {
        throw rejection(`Invalid token: ${error.message}`, 'invalid_token');
      }
      throw error;
    }
  }

  private toUser(payload: JWTPayload): AuthUser {
    const { identity_claim, permissions_claim } = this.settings;
    const identity = payload[identity_claim];
    if (typeof identity !== 'string' || identity === '') {
      throw rejection(
        `The token has no non-empty string claim "${identity_claim}" to identify its user.`,
        'invalid_token',
      );
    }
    const given = payload[permissions_claim];
    const permissions =
      typeof given === 'string' ? given.split(' ').filter(Boolean) : Array.isArray(given) ? given : [];
    return toUser({ identity, permissions, display_name: payload.name ?? identity, claims: payload });
  }

  /** Finds the keys once, and retries after a failure. */
  private findKeys(): Promise<JWTVerifyGetKey> {
    this.keys ??= this.readKeys().catch((error: unknown) => {
      this.keys = undefined;
      throw error;
    });
    return this.keys;
  }

  private async readKeys(): Promise<JWTVerifyGetKey> {
    const { issuer, jwks } = this.settings;
    if (jwks !== undefined && !/^https?:/.test(jwks)) {
      return createLocalJWKSet(JSON.parse(readFileSync(jwks, 'utf8')) as JSONWebKeySet);
    }
    return createRemoteJWKSet(new URL(jwks ?? (await discover(issuer))));
  }
}

/** OpenID Connect Discovery 1.0, section 4. The `issuer` of the document must equal the configured issuer. */
async function discover(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS) });
  if (!response.ok) {
    throw new Error(`${address} responded with status ${response.status}`);
  }
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error(`${address} is not the OpenID configuration of ${issuer}: issuer or jwks_uri does not match`);
  }
  return document.jwks_uri;
}

const rejection = (detail: string, error?: string): UnauthenticatedError =>
  new UnauthenticatedError(detail, { 'www-authenticate': error ? `Bearer error="${error}"` : 'Bearer' });

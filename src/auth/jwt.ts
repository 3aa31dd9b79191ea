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

/** Signatures by somebody who knows a private key: with a shared secret, whoever can check tokens could make them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const DISCOVERY_MS = 10_000;

/** Callers that send a token of an identity provider as `Authorization: Bearer`. */
export class JwtAuth implements Authenticator {
  private keys?: Promise<JWTVerifyGetKey>;

  constructor(private readonly settings: JwtConfig) {}

  async authenticate({ headers }: Request): Promise<AuthUser> {
    const token = bearerOf(headers);
    if (token === undefined) {
      throw refused('A token is needed: Authorization: Bearer.');
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
      // Whether the keys could not be had is the server's trouble, not the caller's.
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) {
        throw refused(`The token is not valid: ${error.message}`, 'invalid_token');
      }
      throw error;
    }
  }

  private toUser(payload: JWTPayload): AuthUser {
    const { identity_claim, permissions_claim } = this.settings;
    const identity = payload[identity_claim];
    if (typeof identity !== 'string' || identity === '') {
      throw refused(`The token does not say who its user is: it has no claim ${identity_claim}.`, 'invalid_token');
    }
    const given = payload[permissions_claim];
    const permissions =
      typeof given === 'string' ? given.split(' ').filter(Boolean) : Array.isArray(given) ? given : [];
    return toUser({ identity, permissions, display_name: payload.name ?? identity, claims: payload });
  }

  /** Found once; again after a failure. */
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

/** OpenID Connect Discovery 1.0, section 4: the provider must name itself as it is named here. */
async function discover(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(DISCOVERY_MS) });
  if (!response.ok) {
    throw new Error(`${address} answers ${response.status}`);
  }
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error(`${address} is not the configuration of ${issuer}`);
  }
  return document.jwks_uri;
}

const refused = (detail: string, error?: string): UnauthenticatedError =>
  new UnauthenticatedError(detail, { 'www-authenticate': error ? `Bearer error="${error}"` : 'Bearer' });

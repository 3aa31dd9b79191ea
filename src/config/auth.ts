import { resolve } from 'node:path';
import type { Environment } from './env.js';
import type { LanggraphJson } from './langgraph-json.schema.js';
import type { Findings } from './findings.js';

/** In characters. A shorter API key could be guessed. */
const MIN_KEY_LENGTH = 16;

/** The identity of a key without a name. */
const UNNAMED_IDENTITY = 'api-key';

/** Alternatives, each a map from security scheme to scopes. */
export type Security = readonly Readonly<Record<string, readonly string[]>>[];

/** How callers authenticate, for the OpenAPI document. */
export interface DocumentedSecurity {
  readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly security: Security;
  /** Overrides of `security` by path and method (in lower case). */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Security>>>>;
}

/** An `Auth` object of the SDK, exported by a file of the project. */
export interface CustomAuthConfig {
  /** Absolute. */
  readonly file: string;
  readonly export_name: string;
  /** Allows LangGraph Studio without credentials. */
  readonly studio: boolean;
  /** Caches the authentication result by the values of these headers. */
  readonly cache?: { readonly headers: readonly string[]; readonly ttl_ms: number; readonly max_size: number };
  /** From `auth.openapi`. */
  readonly documented?: DocumentedSecurity;
}

/** Tokens of an identity provider. */
export interface JwtConfig {
  readonly issuer: string;
  /** URL or absolute path of the key set. If absent, OIDC discovery finds it. */
  readonly jwks?: string;
  readonly audience: readonly string[];
  readonly identity_claim: string;
  readonly permissions_claim: string;
}

/** Authentication: a custom `Auth` object, or API keys and tokens. With neither, every caller has full access. */
export interface AuthConfig {
  readonly custom?: CustomAuthConfig;
  readonly api_keys: readonly { readonly identity: string; readonly key: string }[];
  readonly jwt?: JwtConfig;
  /** Callers with keys and tokens see only the resources they created. */
  readonly owner_only: boolean;
}

const CACHE_TTL_SECONDS = 60;
const CACHE_SIZE = 1_000;

export function authConfig(
  command: string,
  environment: Environment,
  { auth }: Pick<LanggraphJson, 'auth'>,
  project_directory: string,
): AuthConfig {
  return {
    custom: auth && {
      file: resolve(project_directory, auth.path.path),
      export_name: auth.path.export_name,
      // The Studio header proves nothing: on a server that is reachable from outside it would admit every caller.
      studio: auth.disable_studio_auth === undefined ? command === 'dev' : !auth.disable_studio_auth,
      cache: auth.cache && {
        headers: auth.cache.cache_keys ?? ['authorization', 'x-api-key', 'cookie'],
        ttl_ms: (auth.cache.ttl_seconds ?? CACHE_TTL_SECONDS) * 1000,
        max_size: auth.cache.max_size ?? CACHE_SIZE,
      },
      documented: auth.openapi && documented(auth.openapi),
    },
    api_keys: readKeys(environment.NESTGRAPH_API_KEYS),
    jwt: jwtConfig(environment, project_directory),
    owner_only: environment.NESTGRAPH_AUTH_OWNER_ONLY,
  };
}

function documented({
  security = [],
  securitySchemes = {},
  paths = {},
}: NonNullable<NonNullable<LanggraphJson['auth']>['openapi']>): DocumentedSecurity {
  const byMethod = Object.entries(paths).map(([path, methods]) => [
    path,
    Object.fromEntries(Object.entries(methods).map(([method, rule]) => [method.toLowerCase(), rule])),
  ]);
  return { security, securitySchemes, paths: Object.fromEntries(byMethod) as DocumentedSecurity['paths'] };
}

/** Parses `alice:KEY,bob:KEY`. A key without a name gets {@link UNNAMED_IDENTITY}. */
const readKeys = (keys: string | undefined): { identity: string; key: string }[] =>
  listOf(keys).map((entry) => {
    const colon = entry.indexOf(':');
    return { identity: colon > 0 ? entry.slice(0, colon) : UNNAMED_IDENTITY, key: entry.slice(colon + 1) };
  });

function jwtConfig(environment: Environment, project_directory: string): JwtConfig | undefined {
  const { NESTGRAPH_JWT_ISSUER: issuer, NESTGRAPH_JWT_JWKS: jwks } = environment;
  return issuer === undefined
    ? undefined
    : {
        issuer,
        jwks: jwks === undefined || /^https?:/.test(jwks) ? jwks : resolve(project_directory, jwks),
        audience: listOf(environment.NESTGRAPH_JWT_AUDIENCE),
        identity_claim: environment.NESTGRAPH_JWT_IDENTITY_CLAIM,
        permissions_claim: environment.NESTGRAPH_JWT_PERMISSIONS_CLAIM,
      };
}

/** True if no authentication is configured: every caller has full access. */
export const isOpen = (
  { NESTGRAPH_API_KEYS: keys, NESTGRAPH_JWT_ISSUER: issuer }: Environment,
  langgraph: LanggraphJson | undefined,
): boolean => langgraph?.auth === undefined && issuer === undefined && readKeys(keys).length === 0;

/** Reports settings that conflict, or that protect less than they seem to. */
export function checkAuth(environment: Environment, langgraph: LanggraphJson | undefined, findings: Findings): void {
  const { NESTGRAPH_API_KEYS: keys, NESTGRAPH_JWT_ISSUER: issuer, NESTGRAPH_JWT_AUDIENCE: audience } = environment;
  if (readKeys(keys).some(({ key }) => key.length < MIN_KEY_LENGTH)) {
    findings.problem(
      'NESTGRAPH_API_KEYS',
      `expected keys of at least ${MIN_KEY_LENGTH} characters; generate one with: openssl rand -hex 32`,
    );
  }
  if (issuer !== undefined && listOf(audience).length === 0) {
    findings.problem(
      'NESTGRAPH_JWT_AUDIENCE',
      'is required with NESTGRAPH_JWT_ISSUER: without it, tokens issued for other services would be accepted',
    );
  }
  if (issuer === undefined && (audience ?? environment.NESTGRAPH_JWT_JWKS) !== undefined) {
    findings.problem('NESTGRAPH_JWT_ISSUER', 'is required with the other NESTGRAPH_JWT_ variables');
  }
  if (langgraph?.auth && (keys ?? issuer) !== undefined) {
    findings.problem(
      keys === undefined ? 'NESTGRAPH_JWT_ISSUER' : 'NESTGRAPH_API_KEYS',
      'cannot be used together with "auth" in langgraph.json; remove one of them',
    );
  }
}

const listOf = (value: string | undefined): string[] =>
  (value ?? '').split(',').map((entry) => entry.trim()).filter(Boolean); // prettier-ignore

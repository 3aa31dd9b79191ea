import { type DynamicModule, Module } from '@nestjs/common';
import { loadExport, type SourceReloader } from '../project-code/index.js';
import type { AuthConfig, CustomAuthConfig, NestgraphConfig } from '../config/index.js';
import { ApiKeyAuth } from './api-keys.js';
import { AuthLoadError } from './auth.errors.js';
import { type AuthRules, AuthService } from './auth.service.js';
import type { Authenticator } from './authenticator.js';
import { CachedAuthenticator } from './cached-authenticator.js';
import { CustomAuth } from './custom-auth.js';
import { EitherAuth } from './either-auth.js';
import { OwnerOnly } from './owner-only.js';
import { StudioAuth } from './studio-auth.js';

/** Authentication and authorization. It does not depend on threads, runs or other features: their folders call it. */
@Module({})
export class AuthModule {
  static forRoot(service: AuthService): DynamicModule {
    const provider = { provide: AuthService, useValue: service };
    return { module: AuthModule, global: true, providers: [provider], exports: [AuthService] };
  }
}

/** Creates the service that the configuration selects. Throws {@link AuthLoadError}. */
export async function loadAuth(config: NestgraphConfig, sources?: SourceReloader): Promise<AuthService> {
  const { custom } = config.auth;
  if (!custom) {
    return new AuthService(await builtInRules(config.auth));
  }
  const load = (generation?: number): Promise<AuthRules> => customRules(custom, config.project_directory, generation);
  const auth = new AuthService(await load());
  sources?.addPart({
    files: [custom.file],
    reload: async (generation) => {
      auth.replaceRules(await load(generation));
      return ['auth'];
    },
  });
  return auth;
}

/** The rules of `auth.path`, with an empty cache: what older rules have decided is no longer used. */
async function customRules(
  config: CustomAuthConfig,
  project_directory: string,
  generation?: number,
): Promise<AuthRules> {
  const custom = await loadExport(config, {
    project_directory,
    generation,
    accept: (exported) => CustomAuth.from(exported),
    expected: 'an Auth object; export the result of `new Auth()` from @langchain/langgraph-sdk/auth',
    errorClass: AuthLoadError,
  });
  const { cache, studio } = config;
  const authenticator = cache ? new CachedAuthenticator(custom, cache) : custom;
  return { authenticator: studio ? new StudioAuth(authenticator) : authenticator, authorizer: custom };
}

async function builtInRules(auth: AuthConfig): Promise<AuthRules> {
  const authenticators = await builtIn(auth);
  return authenticators.length === 0
    ? {}
    : { authenticator: new EitherAuth(authenticators), authorizer: auth.owner_only ? new OwnerOnly() : undefined };
}

async function builtIn({ api_keys, jwt }: AuthConfig): Promise<Authenticator[]> {
  const authenticators: Authenticator[] = api_keys.length > 0 ? [new ApiKeyAuth(api_keys)] : [];
  if (jwt) {
    // Loaded on demand together with `jose`, which most servers do not need.
    const { JwtAuth } = await import('./jwt.js');
    authenticators.push(new JwtAuth(jwt));
  }
  return authenticators;
}

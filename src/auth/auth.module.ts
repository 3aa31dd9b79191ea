import { type DynamicModule, Module } from '@nestjs/common';
import { importExport, ModuleError } from '../project-code/index.js';
import type { AuthConfig, CustomAuthConfig, NestgraphConfig } from '../config/index.js';
import { ApiKeyAuth } from './api-keys.js';
import { AuthLoadError } from './auth.errors.js';
import { AuthService } from './auth.service.js';
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
export async function loadAuth({ auth }: NestgraphConfig): Promise<AuthService> {
  if (auth.custom) {
    const custom = await loadCustomAuth(auth.custom);
    const { cache, studio } = auth.custom;
    const authenticator = cache ? new CachedAuthenticator(custom, cache) : custom;
    return new AuthService(studio ? new StudioAuth(authenticator) : authenticator, custom);
  }
  const authenticators = await builtIn(auth);
  return authenticators.length === 0
    ? new AuthService()
    : new AuthService(new EitherAuth(authenticators), auth.owner_only ? new OwnerOnly() : undefined);
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

async function loadCustomAuth(config: CustomAuthConfig): Promise<CustomAuth> {
  const fail = (reason: string, cause?: unknown) =>
    new AuthLoadError(`${config.file}:${config.export_name}`, reason, cause);
  let exported: unknown;
  try {
    exported = await importExport(config);
  } catch (error) {
    throw error instanceof ModuleError ? fail(error.message, error) : error;
  }
  const custom = CustomAuth.from(exported);
  if (!custom) {
    throw fail('expected an Auth object; export the result of `new Auth()` from @langchain/langgraph-sdk/auth');
  }
  return custom;
}

import { describe, expect, it } from '@jest/globals';
import { load, problemsOf } from '../../test/support/config.js';
import type { CliOptions } from './cli-options.js';

describe('authentication', () => {
  const auth = { path: './a.ts:auth' };
  const custom = (given: object, command: CliOptions['command']) =>
    load({ file: { auth: { ...auth, ...given } }, cli: { command } }).auth.custom;

  it.each<[string, object, CliOptions['command'], boolean]>([
    ['while a graph is being developed', {}, 'dev', true],
    ['not in production', {}, 'start', false],
    ['in production when the file says so', { disable_studio_auth: false }, 'start', true],
    ['never when the file says so', { disable_studio_auth: true }, 'dev', false],
  ])('allows Studio %s', (_, given, command, expected) => {
    expect(custom(given, command)).toMatchObject({ export_name: 'auth', studio: expected });
  });

  it('is cached if the file configures a cache', () => {
    expect(custom({}, 'start')?.cache).toBeUndefined();
    expect(custom({ cache: {} }, 'start')?.cache).toEqual({
      headers: ['authorization', 'x-api-key', 'cookie'],
      ttl_ms: 60_000,
      max_size: 1_000,
    });
    const cache = { cache_keys: ['x-session'], ttl_seconds: 1, max_size: 2 };
    expect(custom({ cache }, 'start')?.cache).toEqual({ headers: ['x-session'], ttl_ms: 1_000, max_size: 2 });
  });

  it('is configured by keys and tokens in the environment', () => {
    const env = {
      NESTGRAPH_API_KEYS: 'a:0123456789abcdef, 0123456789abcdef:x',
      NESTGRAPH_JWT_ISSUER: 'https://i.example',
      NESTGRAPH_JWT_AUDIENCE: 'x, y',
      NESTGRAPH_AUTH_OWNER_ONLY: 'false',
    };
    const { api_keys, jwt, owner_only } = load({
      env: { ...env, NESTGRAPH_API_KEYS: 'a:0123456789abcdef,fedcba9876543210' },
    }).auth;
    expect(api_keys).toEqual([
      { identity: 'a', key: '0123456789abcdef' },
      { identity: 'api-key', key: 'fedcba9876543210' },
    ]);
    expect(jwt).toEqual({
      issuer: 'https://i.example',
      audience: ['x', 'y'],
      identity_claim: 'sub',
      permissions_claim: 'scope',
    });
    expect(owner_only).toBe(false);
    expect(problemsOf(() => load({ env })).join()).toContain('NESTGRAPH_API_KEYS');
  });
});

import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from '../../test/support/config.js';

describe('the http block', () => {
  it('contains the disabled groups, the app and the logged headers', () => {
    const http = {
      app: './web/app.ts:app',
      disable_store: true,
      disable_mcp: true,
      disable_runs: false,
      enable_custom_route_auth: true,
      middleware_order: 'auth_first',
      logging_headers: { include: ['x-*'], excludes: ['x-secret'] },
    };
    const config = load({ file: { http } });
    expect(config.http).toEqual({
      disabled: ['store'],
      app: {
        file: join(config.project_directory, 'web/app.ts'),
        export_name: 'app',
        authenticated: true,
        auth_first: true,
      },
      logging_headers: { includes: ['x-*'], excludes: ['x-secret'] },
    });
    expect(config.warnings).toEqual([]);
  });

  it('leaves custom routes open and runs their middleware first by default', () => {
    const { app } = load({ file: { http: { app: './app.ts' } } }).http;
    expect(app).toMatchObject({ export_name: 'default', authenticated: false, auth_first: false });
  });
});

describe('limits', () => {
  it('come from the environment', () => {
    const env = {
      NESTGRAPH_RATE_LIMIT_PER_MINUTE: '5',
      NESTGRAPH_MAX_STREAMS_PER_CALLER: '6',
      REDIS_URI: 'redis://h',
    };
    expect(load({ env }).limits).toEqual({ requests_per_minute: 5, streams_per_caller: 6, redis_uri: 'redis://h' });
  });
});

it('passes request headers to graphs as configured in langgraph.json', () => {
  const configurable_headers = { includes: ['x-*'], exclude: ['x-secret'] };
  expect(load({ file: { http: { configurable_headers } } })).toMatchObject({
    configurable_headers: { includes: ['x-*'], excludes: ['x-secret'] },
    warnings: [],
  });
});

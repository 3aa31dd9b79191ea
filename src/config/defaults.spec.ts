import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load, writeLanggraphJson } from '../../test/support/config.js';
import { loadConfig } from './load-config.js';

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config_file = writeLanggraphJson();
    const project_directory = join(config_file, '..');
    const { langgraph, ...config } = loadConfig({ command: 'dev', config: config_file }, {});
    expect(langgraph?.graphs).toEqual({ agent: { path: './agent.ts', export_name: 'graph' } });
    expect(config).toEqual({
      command: 'dev',
      server: {
        host: '127.0.0.1',
        port: 2024,
        port_requested: false,
        mount_prefix: '',
        body_limit_bytes: 20 * 1024 * 1024,
        body_limit_values: 100_000,
        request_timeout_ms: 300_000,
        trust_proxy: undefined,
        cors: {
          allow_origins: [],
          allow_methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
          allow_headers: ['*'],
          allow_credentials: false,
          expose_headers: ['Content-Location', 'Location', 'X-Pagination-Total', 'X-Pagination-Next', 'X-Request-Id'],
          max_age: 600,
        },
        hosts: { names: ['127.0.0.1'], any_address: false },
      },
      database: { pool_size: 10, prepared_statements: true },
      queue: {
        slots: 10,
        timeout_ms: 3_600_000,
        max_retries: 3,
        shutdown_grace_ms: 30_000,
        lease_ms: 30_000,
        heartbeat_ms: 10_000,
        stateless_retention_ms: 60_000,
        max_queued: 1000,
        fairness: { slot_share: 0.8, weights: {} },
      },
      http: { disabled: [] },
      limits: { requests_per_minute: 0, streams_per_caller: 0, redis_uri: undefined },
      streams: { resumable_ms: 3_600_000, other_ms: 60_000, max_bytes: 64 * 1024 * 1024 },
      thread_ttl: { strategy: 'delete', sweep_interval_ms: 300_000, sweep_limit: 500 },
      store: { ttl: { refresh_on_read: true, sweep_interval_ms: 300_000 } },
      webhooks: {
        disabled: false,
        url: { allowed_domains: [], allowed_ports: [], require_https: false, disable_loopback: false },
        headers: {},
        allow_private: false,
        allow_loopback: true,
      },
      log: { level: 'info', json: false },
      langsmith: undefined,
      auth: { api_keys: [], owner_only: true },
      configurable_headers: { includes: [], excludes: [] },
      data_directory: join(project_directory, '.nestgraph'),
      project_directory,
      config_file,
      schema_timeout_ms: 10_000,
      reload: true,
      skip_failed_graphs: true,
      graphs: [{ graph_id: 'agent', file: join(project_directory, 'agent.ts'), export_name: 'graph' }],
      nest_modules: [],
      graph_defaults: {},
      under_npm: false,
      warnings: [],
    });
  });

  it('takes every value from the environment', () => {
    const { server, database, queue, streams, log, data_directory, schema_timeout_ms } = load({
      env: {
        HOST: '0.0.0.0',
        PORT: '1',
        MOUNT_PREFIX: '/api/',
        DATABASE_URI: 'postgres://h/d',
        N_JOBS_PER_WORKER: '2',
        BG_JOB_TIMEOUT_SECS: '3',
        BG_JOB_MAX_RETRIES: '4',
        BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS: '5',
        LOG_LEVEL: 'WARN',
        LOG_JSON: 'true',
        NESTGRAPH_DATA_DIR: '/data',
        NESTGRAPH_DATABASE_POOL_SIZE: '6',
        NESTGRAPH_LEASE_SECS: '8',
        NESTGRAPH_HEARTBEAT_SECS: '7',
        NESTGRAPH_BODY_LIMIT_MB: '9',
        NESTGRAPH_BODY_LIMIT_VALUES: '500',
        NESTGRAPH_STATELESS_RETENTION_SECS: '10',
        NESTGRAPH_STREAM_RETENTION_SECS: '20',
        NESTGRAPH_STREAM_LIMIT_MB: '2',
        NESTGRAPH_PREPARED_STATEMENTS: 'false',
        NESTGRAPH_REQUEST_TIMEOUT_SECS: '12',
        NESTGRAPH_TRUST_PROXY: 'loopback',
        NESTGRAPH_MAX_QUEUED_RUNS: '13',
        NESTGRAPH_CALLER_SLOT_SHARE: '0.5',
        NESTGRAPH_CALLER_WEIGHTS: '{"alice": 2}',
        LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: '11',
      },
    });
    expect({ server, database, queue, streams, log, data_directory, schema_timeout_ms }).toEqual({
      schema_timeout_ms: 11,
      server: {
        host: '0.0.0.0',
        port: 1,
        port_requested: true,
        mount_prefix: '/api',
        body_limit_bytes: 9 * 1024 * 1024,
        body_limit_values: 500,
        request_timeout_ms: 12_000,
        trust_proxy: ['loopback'],
        cors: expect.anything(),
        hosts: { names: ['0.0.0.0'], any_address: true },
      },
      database: { uri: 'postgres://h/d', pool_size: 6, prepared_statements: false },
      queue: {
        slots: 2,
        timeout_ms: 3000,
        max_retries: 4,
        shutdown_grace_ms: 5000,
        lease_ms: 8000,
        heartbeat_ms: 7000,
        stateless_retention_ms: 10_000,
        max_queued: 13,
        fairness: { slot_share: 0.5, weights: { alice: 2 } },
      },
      streams: { resumable_ms: 20_000, other_ms: 60_000, max_bytes: 2 * 1024 * 1024 },
      log: { level: 'warn', json: true },
      data_directory: '/data',
    });
  });
});

import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from './config.errors.js';
import { CONFIG, ConfigModule } from './config.module.js';
import { loadConfig, type CliOptions, type NestgraphConfig } from './config.js';

const GRAPHS = { agent: './agent.ts:graph' };
const currentFolder = process.cwd();

const folder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'config-')));

function project(langgraphJson: Record<string, unknown> = {}): string {
  const file = join(folder(), 'langgraph.json');
  writeFileSync(file, JSON.stringify({ graphs: GRAPHS, ...langgraphJson }));
  return file;
}

interface Given {
  cli?: Partial<CliOptions>;
  env?: NodeJS.ProcessEnv;
  file?: Record<string, unknown>;
}

const load = ({ cli, env = {}, file }: Given = {}): NestgraphConfig =>
  loadConfig({ command: 'dev', config: project(file), ...cli }, env);

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

afterEach(() => process.chdir(currentFolder));

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config_file = project();
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

  it('prefers the command line to the environment', () => {
    const { server } = load({ cli: { host: '::1', port: '3000' }, env: { HOST: '0.0.0.0', PORT: '4000' } });
    expect(server).toMatchObject({ host: '::1', port: 3000, port_requested: true });
  });

  it('does not listen on all interfaces if the host is empty', () => {
    expect(load({ cli: { host: '' } }).server.host).toBe('127.0.0.1');
  });

  it.each<[CliOptions['command'], boolean | undefined, boolean, boolean]>([
    ['dev', undefined, true, false],
    ['dev', false, false, false],
    ['start', true, false, true],
    ['worker', undefined, false, true],
  ])('%s with reload %s: reloads %s, logs JSON %s', (command, requested, reload, json) => {
    const config = load({ cli: { command, reload: requested } });
    expect([config.reload, config.log.json]).toEqual([reload, json]);
  });

  it.each([
    ['/env', '/file', '/env'],
    ['', '/file/', '/file'],
    ['/', undefined, ''],
  ])('with MOUNT_PREFIX %j and mount_prefix %j is served below %j', (MOUNT_PREFIX, mount_prefix, expected) => {
    expect(load({ env: { MOUNT_PREFIX }, file: { http: { mount_prefix } } }).server.mount_prefix).toBe(expected);
  });

  it('separates the context of a graph from its config', () => {
    const LANGGRAPH_CONFIG = '{"agent": {"recursion_limit": 5, "context": {"k": 1}}, "b": {"context": null}}';
    expect(load({ env: { LANGGRAPH_CONFIG }, file: { graphs: { ...GRAPHS, b: './b.ts' } } }).graph_defaults).toEqual({
      agent: { config: { recursion_limit: 5 }, context: { k: 1 } },
      b: { config: {} },
    });
  });

  it('reads http.cors, and always exposes the headers that SDKs need', () => {
    const cors = {
      allow_origins: ['https://a.com'],
      allow_origin_regex: 'https://b',
      allow_credentials: true,
      expose_headers: ['x-mine', 'content-location'],
      max_age: 5,
    };
    expect(load({ file: { http: { cors } } }).server.cors).toMatchObject({
      allow_origins: ['https://a.com'],
      allow_origin_regex: /^(?:https:\/\/b)$/,
      allow_credentials: true,
      allow_headers: ['*'],
      expose_headers: [
        'Content-Location',
        'Location',
        'X-Pagination-Total',
        'X-Pagination-Next',
        'X-Request-Id',
        'x-mine',
      ],
      max_age: 5,
    });
  });

  it.each<[string, Given, { allow_origins: string[]; isGuarded: boolean }]>([
    ['dev', {}, { allow_origins: [], isGuarded: true }],
    ['start', { cli: { command: 'start' } }, { allow_origins: ['*'], isGuarded: false }],
    ['keys', { env: { NESTGRAPH_API_KEYS: '0123456789abcdef' } }, { allow_origins: ['*'], isGuarded: false }],
    ['an auth module', { file: { auth: { path: './a.ts:auth' } } }, { allow_origins: ['*'], isGuarded: false }],
    [
      'CORS_ALLOW_ORIGINS',
      { env: { CORS_ALLOW_ORIGINS: 'https://a.com, ,*' } },
      { allow_origins: ['https://a.com', '*'], isGuarded: true },
    ],
    [
      'a file beside it',
      { env: { CORS_ALLOW_ORIGINS: '*' }, file: { http: { cors: { allow_origins: ['https://a.com'] } } } },
      { allow_origins: ['https://a.com'], isGuarded: true },
    ],
  ])('rejects web pages of other origins in dev without auth: %s', (_, given, expected) => {
    const { cors, hosts } = load(given).server;
    expect({ allow_origins: cors.allow_origins, isGuarded: hosts !== undefined }).toEqual(expected);
  });

  it('reports problems of the file, the environment and the command line together', () => {
    const wrong = { file: { ui: 1 }, env: { LOG_JSON: 'yes', LANGGRAPH_CONFIG: 'null' }, cli: { port: 'x' } };
    expect(problemsOf(() => load(wrong))).toEqual([
      'langgraph.json: ui: expected an object, got a number',
      'LOG_JSON: expected true or false, got "yes"',
      'LANGGRAPH_CONFIG: expected a JSON object from graph id to config, got null',
      '--port: expected a whole number from 0 to 65535, got "x"',
    ]);
  });

  it('rejects a worker without slots, which would never execute a run', () => {
    const env = { N_JOBS_PER_WORKER: '0' };
    expect(problemsOf(() => load({ env, cli: { command: 'worker' } }))).toEqual([
      'N_JOBS_PER_WORKER: expected at least 1 for a worker, got 0; with 0 slots it never executes a run',
    ]);
    expect(load({ env, cli: { command: 'start' } }).queue.slots).toBe(0);
  });
});

describe('the store', () => {
  const storeOf = (store: object): unknown => load({ file: { store } }).store;

  it.each([
    ['openai:text-embedding-3-small', { provider: 'openai', model: 'text-embedding-3-small' }],
    ['bedrock:amazon.titan-embed-text-v2:0', { provider: 'bedrock', model: 'amazon.titan-embed-text-v2:0' }],
    ['./e.ts:embed', { file: expect.stringMatching(/^\/.*\/e\.ts$/), export_name: 'embed' }],
    ['embed/e.mjs', { file: expect.stringMatching(/\/embed\/e\.mjs$/), export_name: 'default' }],
  ])('embeds with %s', (embed, expected) => {
    expect(storeOf({ index: { dims: 3, embed } })).toMatchObject({
      index: { dims: 3, embed: expected, fields: ['$'] },
    });
  });

  it('reads the time to live', () => {
    const ttl = { default_ttl: 5, refresh_on_read: false, sweep_interval_minutes: 1 };
    expect(storeOf({ ttl })).toEqual({
      ttl: { default_minutes: 5, refresh_on_read: false, sweep_interval_ms: 60_000 },
    });
  });

  it('does not expire items if the default is 0', () => {
    expect(storeOf({ ttl: { default_ttl: 0 } })).toMatchObject({ ttl: { default_minutes: undefined } });
  });
});

describe('LangSmith', () => {
  it.each<[NodeJS.ProcessEnv, NestgraphConfig['langsmith']]>([
    [{}, undefined],
    [{ LANGSMITH_TRACING: 'true', LANGSMITH_ENDPOINT: 'http://h' }, undefined],
    [{ LANGSMITH_API_KEY: 'k' }, { api_key: 'k' }],
    [
      { LANGCHAIN_API_KEY: 'k', LANGCHAIN_ENDPOINT: 'http://h' },
      { api_key: 'k', endpoint: 'http://h' },
    ],
    [
      {
        LANGSMITH_API_KEY: 'new',
        LANGCHAIN_API_KEY: 'old',
        LANGSMITH_ENDPOINT: 'http://new',
        LANGCHAIN_ENDPOINT: 'http://old',
      },
      { api_key: 'new', endpoint: 'http://new' },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: 'true' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING_V2: 'true' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGCHAIN_TRACING: 'true', LANGSMITH_TRACING: 'false' },
      { api_key: 'k', tracing: true },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGCHAIN_TRACING_V2: 'false' },
      { api_key: 'k', tracing: false },
    ],
    [
      { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: '1' },
      { api_key: 'k', tracing: false },
    ],
  ])('is configured by %j', (env, expected) => {
    expect(load({ env }).langsmith).toEqual(expected);
  });

  it('is configured by the env of langgraph.json, too', () => {
    const file = { env: { LANGSMITH_API_KEY: 'k', LANGSMITH_TRACING: true } };
    expect(load({ file }).langsmith).toEqual({ api_key: 'k', tracing: true });
  });
});

it('passes request headers to graphs as configured in langgraph.json', () => {
  const configurable_headers = { includes: ['x-*'], exclude: ['x-secret'] };
  expect(load({ file: { http: { configurable_headers } } })).toMatchObject({
    configurable_headers: { includes: ['x-*'], excludes: ['x-secret'] },
    warnings: [],
  });
});

describe('the variables of langgraph.json', () => {
  it('configure the service and are visible to graphs', () => {
    const env: NodeJS.ProcessEnv = {};
    const config = load({ env, file: { env: { DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' } } });
    expect(config.database.uri).toBe('postgres://file/d');
    expect(env).toMatchObject({ DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' });
  });

  it('make LangChain invoke callbacks in the foreground, unless the environment says otherwise', () => {
    const [env, other]: NodeJS.ProcessEnv[] = [{}, { LANGCHAIN_CALLBACKS_BACKGROUND: 'true' }];
    load({ env });
    load({ env: other });
    expect(env.LANGCHAIN_CALLBACKS_BACKGROUND).toBe('false');
    expect(other.LANGCHAIN_CALLBACKS_BACKGROUND).toBe('true');
  });

  it('set NODE_ENV to development for `dev`, unless the environment sets it', () => {
    const [dev, start, other]: NodeJS.ProcessEnv[] = [{}, {}, { NODE_ENV: 'production' }];
    load({ env: dev });
    load({ env: start, cli: { command: 'start' } });
    load({ env: other });
    expect([dev.NODE_ENV, start.NODE_ENV, other.NODE_ENV]).toEqual(['development', undefined, 'production']);
  });

  it('do not replace existing variables, even empty ones', () => {
    const env = { DATABASE_URI: '', MODEL_KEY: 'real' };
    const config = load({ env, file: { env: { DATABASE_URI: 'postgres://file/d', MODEL_KEY: 'k' } } });
    expect(config.database.uri).toBeUndefined();
    expect(env.MODEL_KEY).toBe('real');
  });
});

describe('a missing langgraph.json', () => {
  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stops %s with a hint', (command) => {
    const empty = folder();
    process.chdir(empty);
    expect(problemsOf(() => loadConfig({ command }, {}))).toEqual([
      `There is no langgraph.json in ${empty}. Run the command in the folder of your project, ` +
        `or pass the path of the file: nestgraph ${command} --config path/to/langgraph.json`,
    ]);
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('is accepted for %s', (command) => {
    const empty = folder();
    process.chdir(empty);
    expect(loadConfig({ command }, {})).toMatchObject({
      config_file: undefined,
      langgraph: undefined,
      graphs: [],
      project_directory: empty,
      data_directory: join(empty, '.nestgraph'),
    });
  });

  it('stops every command if the file was requested', () => {
    const config = join(folder(), 'mine.json');
    expect(problemsOf(() => loadConfig({ command: 'migrate', config }, {}))[0]).toContain('There is no mine.json in ');
  });
});

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

describe('an unsupported setting', () => {
  const file = { encryption: { path: './e.ts:encryption' } };

  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stops %s if it protects data', (command) => {
    const problems = problemsOf(() => load({ file, cli: { command } }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^langgraph\.json: encryption\.path: encryption is not supported by this version yet; /,
    );
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('is ignored by %s, which serves nothing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['store.path', { store: { path: './s.ts:store' } }],
    ['checkpointer.path', { checkpointer: { path: './c.ts:saver' } }],
    ['checkpointer.serde', { checkpointer: { serde: { pickle_fallback: true } } }],
    ['ui', { ui: { agent: './ui.tsx' } }],
    ['ui_config', { ui_config: { shared: ['react'] } }],
  ])('is reported in a warning: %s', (path, file) => {
    expect(load({ file }).warnings).toEqual([
      `langgraph.json: ${path} is not supported by this version yet; it is ignored`,
    ]);
  });

  it('warns about unused variables and about defaults for unknown graphs', () => {
    const env = {
      REDIS_URI: 'redis://h',
      LANGGRAPH_CONFIG: '{"agnet": {}, "agent": {}}',
    };
    expect(load({ env }).warnings).toEqual([
      'REDIS_URI is used only for rate limits (NESTGRAPH_RATE_LIMIT_PER_MINUTE)',
      'LANGGRAPH_CONFIG: unknown graph "agnet"; its defaults are ignored',
    ]);
  });

  it.each([{ http: { disable_runs: false } }, { nest: { modules: [] } }, { ui: {} }])(
    'is not mentioned if nothing is requested: %j',
    (file) => {
      expect(load({ file }).warnings).toEqual([]);
    },
  );
});

describe('the headers of webhooks', () => {
  const file = { webhooks: { headers: { authorization: 'Bearer ${{ env.LG_WEBHOOK_TOKEN }}' } } };

  it('take their variables from the environment', () => {
    expect(load({ file, env: { LG_WEBHOOK_TOKEN: 't' } }).webhooks.headers).toEqual({ authorization: 'Bearer t' });
  });

  it('take their variables from the env of the file, too', () => {
    const env = { LG_WEBHOOK_TOKEN: 't' };
    expect(load({ file: { ...file, env } }).webhooks.headers).toEqual({ authorization: 'Bearer t' });
  });

  it.each<CliOptions['command']>(['dev', 'start', 'worker'])('stop %s if a variable is missing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([
      'langgraph.json: webhooks.headers.authorization: the variable LG_WEBHOOK_TOKEN is not set',
    ]);
  });

  it.each<CliOptions['command']>(['migrate', 'openapi'])('are ignored by %s, which sends nothing', (command) => {
    expect(problemsOf(() => load({ file, cli: { command } }))).toEqual([]);
  });
});

it('stops the start if the webhook secret is too short, without repeating it', () => {
  expect(problemsOf(() => load({ env: { NESTGRAPH_WEBHOOK_SECRET: 'hunter2' } }))).toEqual([
    'NESTGRAPH_WEBHOOK_SECRET: expected at least 16 characters',
  ]);
});

describe('a ConfigError', () => {
  it.each([
    [['a: wrong'], 'There is a problem in the configuration:\n  - a: wrong'],
    [['a: wrong', 'b: wrong'], 'There are 2 problems in the configuration:\n  - a: wrong\n  - b: wrong'],
  ])('lists every problem on a line of its own: %j', (problems, message) => {
    expect(new ConfigError(problems).message).toBe(message);
  });
});

describe('the config module', () => {
  it('provides the configuration to every module', async () => {
    @Injectable()
    class Reader {
      constructor(@Inject(CONFIG) readonly config: NestgraphConfig) {}
    }
    const config = load();
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config), { module: class Feature {}, providers: [Reader] }],
    }).compile();
    expect(module.get(Reader, { strict: false }).config).toBe(config);
  });
});

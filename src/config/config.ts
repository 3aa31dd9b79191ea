/** The whole configuration as one typed object, built from the command line, the environment and langgraph.json. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { authConfig, type AuthConfig, checkAuth, isOpen } from './auth.js';
import { ConfigError } from './config.errors.js';
import { corsConfig, type CorsConfig } from './cors.js';
import { asNumber, findMismatch } from './env-variable.js';
import { PORT, publishedAddress, readEnvironment, type Environment } from './env.js';
import { hostsConfig, type HostsConfig } from './hosts.js';
import { httpConfig, limitsConfig, type HttpConfig, type LimitsConfig } from './http.js';
import { checkPythonGraphs, readEnv, readLanggraphJson, resolveGraphs, type GraphSpec } from './langgraph-json.js';
import type { HeaderFilter, LanggraphJson } from './langgraph-json.shape.js';
import { Findings, type JsonObject } from './shape.js';
import {
  refuseUnprotected,
  refuseUnprotectedEnvironment,
  warnAboutOtherDatabase,
  warnAboutUnused,
} from './unsupported.js';
import { checkSecret, readWebhookHeaders, warnAboutHeaders, webhooksConfig, type WebhooksConfig } from './webhooks.js';

export type Command = 'dev' | 'start' | 'worker' | 'migrate' | 'openapi';

/** The command line as given. It takes precedence over the environment. */
export interface CliOptions {
  readonly command: Command;
  /** Path of langgraph.json. Default: the one in the current folder. */
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  /** False for `--no-reload`. */
  readonly reload?: boolean;
  /** True for `--skip-failed-graphs`. */
  readonly skip_failed_graphs?: boolean;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 selects any free port. */
  readonly port: number;
  /** False for the default port: if it is taken, the server uses another one. */
  readonly port_requested: boolean;
  /** Starts with `/` and does not end with one. Empty when routes are served at the root. */
  readonly mount_prefix: string;
  readonly body_limit_bytes: number;
  /** Maximum number of values in a body: scalars, lists and objects. */
  readonly body_limit_values: number;
  /** Milliseconds within which the complete request must arrive. */
  readonly request_timeout_ms: number;
  /** Addresses of the proxies whose `X-Forwarded-For` is trusted. Absent: no proxy is trusted. */
  readonly trust_proxy?: readonly string[];
  readonly cors: CorsConfig;
  /** Present for `dev` without authentication: web pages of other origins must not reach it. */
  readonly hosts?: HostsConfig;
}

export interface DatabaseConfig {
  /** If absent, the service runs an embedded PostgreSQL in `data_directory`. */
  readonly uri?: string;
  readonly pool_size: number;
  readonly prepared_statements: boolean;
}

/** Times are in milliseconds. */
export interface QueueConfig {
  /** Runs that this process executes concurrently; 0 if it only serves the API. */
  readonly slots: number;
  readonly timeout_ms: number;
  readonly max_retries: number;
  readonly shutdown_grace_ms: number;
  readonly lease_ms: number;
  /** Interval of lease renewals; always shorter than the lease. */
  readonly heartbeat_ms: number;
  readonly stateless_retention_ms: number;
  /** Maximum number of queued runs per thread; 0 for no limit. */
  readonly max_queued: number;
  readonly fairness: FairnessConfig;
}

/** How authenticated callers share the slots. */
export interface FairnessConfig {
  /** Maximum share of a process's slots for one caller; 0 for first come, first served. */
  readonly slot_share: number;
  /** Slots per turn, by identity. Other callers get one. */
  readonly weights: Readonly<Record<string, number>>;
}

/** Retention of run events. */
export interface StreamsConfig {
  /** Milliseconds after the end of a resumable run. */
  readonly resumable_ms: number;
  /** Milliseconds after the end of any other run. */
  readonly other_ms: number;
  /** Maximum number of bytes kept per thread. */
  readonly max_bytes: number;
}

/** Expiry of inactive threads. */
export interface ThreadTtlConfig {
  /** Minutes after the last activity, for threads created without their own ttl. Absent: they never expire. */
  readonly default_minutes?: number;
  readonly strategy: 'delete' | 'keep_latest';
  /** Milliseconds between two sweeps. */
  readonly sweep_interval_ms: number;
  /** Threads per transaction. */
  readonly sweep_limit: number;
}

/** The store that graphs and clients share. */
export interface StoreConfig {
  readonly ttl: {
    /** Minutes after which items expire that were put without their own ttl. Absent: they never expire. */
    readonly default_minutes?: number;
    /** Whether a read renews the ttl of an item, unless the request says otherwise. */
    readonly refresh_on_read: boolean;
    /** Milliseconds between two sweeps. */
    readonly sweep_interval_ms: number;
  };
  /** Settings of semantic search; absent if it is off. */
  readonly index?: StoreIndexConfig;
}

export interface StoreIndexConfig {
  readonly dims: number;
  /** The model of a provider, or the export of a file (absolute path). */
  readonly embed:
    { readonly provider: string; readonly model: string } | { readonly file: string; readonly export_name: string };
  /** Paths of the strings in a value that are embedded; `$` is the whole value. */
  readonly fields: readonly string[];
}

export interface LogConfig {
  readonly level: Environment['LOG_LEVEL'];
  /** One JSON object per line instead of human-readable lines. */
  readonly json: boolean;
}

/** Connection to LangSmith. */
export interface LangSmithConfig {
  readonly api_key: string;
  /** Default: LangSmith's cloud. */
  readonly endpoint?: string;
  /** Whether every run is traced; undefined if not configured. */
  readonly tracing?: boolean;
}

/** Initial config and context of the assistant of a graph. */
export interface GraphDefaults {
  readonly config: JsonObject;
  readonly context?: JsonObject;
}

export interface NestgraphConfig {
  readonly command: Command;
  readonly server: ServerConfig;
  readonly database: DatabaseConfig;
  readonly queue: QueueConfig;
  readonly streams: StreamsConfig;
  readonly thread_ttl: ThreadTtlConfig;
  readonly store: StoreConfig;
  readonly http: HttpConfig;
  readonly limits: LimitsConfig;
  readonly webhooks: WebhooksConfig;
  readonly log: LogConfig;
  /** Absent without an API key. */
  readonly langsmith?: LangSmithConfig;
  readonly auth: AuthConfig;
  readonly configurable_headers: HeaderFilter;
  /** Absolute path of the embedded database. It may not exist yet. */
  readonly data_directory: string;
  /** Absolute path of the folder of langgraph.json, or of the current folder if there is no such file. */
  readonly project_directory: string;
  /** Absolute path of langgraph.json. Absent only for `migrate` and `openapi`. */
  readonly config_file?: string;
  /** Timeout for deriving the schemas of a graph from its source, in milliseconds. */
  readonly schema_timeout_ms: number;
  /** Reloads the graphs when a source file changes. */
  readonly reload: boolean;
  /** Serves the other graphs if one cannot be loaded; otherwise the process does not start. */
  readonly skip_failed_graphs: boolean;
  /** Empty only without a langgraph.json. */
  readonly graphs: readonly GraphSpec[];
  /** Nest modules of the project that are added to the application. */
  readonly nest_modules: readonly { readonly file: string; readonly export_name: string }[];
  /** By graph id, from LANGGRAPH_CONFIG. */
  readonly graph_defaults: Readonly<Record<string, GraphDefaults>>;
  /** The parsed langgraph.json. Absent if there is none. */
  readonly langgraph?: LanggraphJson;
  /** Started by `npm start` or `npx`, through a shell that does not forward signals. */
  readonly under_npm: boolean;
  /** Messages for the start log. */
  readonly warnings: readonly string[];
}

const DEFAULT_PORT = 2024;
const BYTES_PER_MB = 1024 * 1024;
/** Milliseconds after the end of a non-resumable run during which its events can be read. */
const NON_RESUMABLE_RETENTION_MS = 60_000;
/** The defaults of LangGraph's own server. */
const DEFAULT_SWEEP_INTERVAL_MINUTES = 5;
const DEFAULT_SWEEP_LIMIT = 500;
const MIN_SWEEP_INTERVAL_MS = 1_000;
const WORKS_WITHOUT_GRAPHS: readonly Command[] = ['migrate', 'openapi'];

/**
 * Loads the configuration of this process. Variables from langgraph.json are added to `env`, so that graphs can read them;
 * an existing variable, even an empty one, is not replaced. Throws one ConfigError with all problems.
 */
export function loadConfig(options: CliOptions, env: NodeJS.ProcessEnv = process.env): NestgraphConfig {
  const findings = new Findings();
  const config_file = locateConfigFile(options, findings);
  const langgraph = config_file === undefined ? undefined : readLanggraphJson(config_file, findings);
  let headers = {};
  if (langgraph && config_file) {
    const missing = options.command === 'start' || options.command === 'worker' ? 'stop' : 'warn';
    addMissing(env, readEnv(langgraph, config_file, missing, findings));
    checkPythonGraphs(langgraph, missing, findings.within(basename(config_file)));
    addMissing(env, { ...GRAPH_ENVIRONMENT, ...(options.command === 'dev' && { NODE_ENV: 'development' }) });
    checkSupport(options.command, langgraph, findings.within(basename(config_file)));
    headers = webhookHeaders(options.command, langgraph, env, findings.within(basename(config_file)));
  }
  const environment = readEnvironment(env, findings);
  checkTogether(options, environment, findings);
  checkAuth(environment, langgraph, findings);
  if (langgraph && !WORKS_WITHOUT_GRAPHS.includes(options.command)) {
    refuseUnprotectedEnvironment(
      env,
      { langgraph, isOpen: options.command !== 'worker' && isOpen(environment, langgraph) },
      findings,
    );
    warnAboutOtherDatabase(env, findings);
  }
  if (findings.problems.length > 0) {
    throw new ConfigError(findings.problems);
  }
  if (langgraph) {
    warnAboutUnknownGraphs(environment, langgraph, findings);
  }
  const webhooks = webhooksConfig(options.command, langgraph ?? {}, headers, environment);
  warnAboutHeaders(webhooks, findings);
  const config = assemble(options, environment, config_file, langgraph, findings.warnings, env);
  return { ...config, webhooks, under_npm: env.npm_lifecycle_event !== undefined };
}

function locateConfigFile({ command, config }: CliOptions, findings: Findings): string | undefined {
  const file = resolve(config ?? 'langgraph.json');
  if (existsSync(file)) {
    return file;
  }
  if (config === undefined && WORKS_WITHOUT_GRAPHS.includes(command)) {
    return undefined;
  }
  return findings.problem(
    '',
    `There is no ${basename(file)} in ${dirname(file)}. Run the command in the folder of your project, ` +
      `or pass the path of the file: nestgraph ${command} --config path/to/langgraph.json`,
  );
}

/**
 * Variables that graphs need. By default LangChain invokes callbacks in the background: under load, tokens would reach the
 * stream after their run has ended, and would be lost.
 */
const GRAPH_ENVIRONMENT = { LANGCHAIN_CALLBACKS_BACKGROUND: 'false' };

function addMissing(env: NodeJS.ProcessEnv, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    env[name] ??= value;
  }
}

function checkSupport(command: Command, langgraph: LanggraphJson, findings: Findings): void {
  warnAboutUnused(langgraph, findings);
  if (!WORKS_WITHOUT_GRAPHS.includes(command)) {
    refuseUnprotected(langgraph, findings);
  }
}

/** Checks that need both the command line and the environment. */
function checkTogether({ command, port }: CliOptions, environment: Environment, findings: Findings): void {
  const wrongPort = port === undefined ? undefined : findMismatch(PORT, asNumber(port));
  if (wrongPort) {
    findings.problem('--port', wrongPort);
  }
  if (command === 'worker' && environment.N_JOBS_PER_WORKER === 0) {
    findings.problem(
      'N_JOBS_PER_WORKER',
      'expected at least 1 for a worker, got 0; with 0 slots it never executes a run',
    );
  }
  checkSecret(environment.NESTGRAPH_WEBHOOK_SECRET, findings);
  if (environment.REDIS_URI) {
    findings.warn('REDIS_URI is used only for rate limits (NESTGRAPH_RATE_LIMIT_PER_MINUTE)');
  }
}

/** Commands that send no webhooks do not need the variables that the headers reference. */
const webhookHeaders = (
  command: Command,
  { webhooks = {} }: LanggraphJson,
  env: NodeJS.ProcessEnv,
  findings: Findings,
): Readonly<Record<string, string>> =>
  WORKS_WITHOUT_GRAPHS.includes(command) ? {} : readWebhookHeaders(webhooks, env, findings);

function warnAboutUnknownGraphs(
  { LANGGRAPH_CONFIG }: Environment,
  { graphs }: LanggraphJson,
  findings: Findings,
): void {
  Object.keys(LANGGRAPH_CONFIG)
    .filter((graph_id) => !Object.hasOwn(graphs, graph_id))
    .forEach((graph_id) => findings.warn(`LANGGRAPH_CONFIG: unknown graph "${graph_id}"; its defaults are ignored`));
}

function assemble(
  options: CliOptions,
  environment: Environment,
  config_file: string | undefined,
  langgraph: LanggraphJson | undefined,
  warnings: readonly string[],
  env: NodeJS.ProcessEnv,
): Omit<NestgraphConfig, 'under_npm' | 'webhooks'> {
  const { command, reload = true, skip_failed_graphs = false } = options;
  const project_directory = config_file === undefined ? process.cwd() : dirname(config_file);
  return {
    command,
    server: serverConfig(options, environment, langgraph, publishedAddress(env)),
    database: {
      uri: environment.DATABASE_URI,
      pool_size: environment.NESTGRAPH_DATABASE_POOL_SIZE,
      prepared_statements: environment.NESTGRAPH_PREPARED_STATEMENTS,
    },
    queue: queueConfig(environment),
    streams: streamsConfig(environment),
    thread_ttl: threadTtlConfig(langgraph?.checkpointer),
    store: storeConfig(langgraph?.store, project_directory),
    http: httpConfig(langgraph?.http, project_directory),
    limits: limitsConfig(environment),
    log: {
      level: environment.LOG_LEVEL,
      json: environment.LOG_JSON ?? (command === 'start' || command === 'worker'),
    },
    langsmith: langsmithConfig(environment),
    auth: authConfig(command, environment, langgraph ?? {}, project_directory),
    configurable_headers: langgraph?.http?.configurable_headers ?? { includes: [], excludes: [] },
    data_directory: resolve(project_directory, environment.NESTGRAPH_DATA_DIR),
    project_directory,
    config_file,
    schema_timeout_ms: environment.LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS,
    reload: command === 'dev' && reload,
    skip_failed_graphs: command === 'dev' || skip_failed_graphs,
    graphs: langgraph ? resolveGraphs(langgraph, project_directory) : [],
    nest_modules: (langgraph?.nest?.modules ?? []).map(({ path, export_name }) => ({
      file: resolve(project_directory, path),
      export_name,
    })),
    graph_defaults: graphDefaults(environment),
    langgraph,
    warnings,
  };
}

function serverConfig(
  options: CliOptions,
  environment: Environment,
  langgraph: LanggraphJson | undefined,
  published: string | undefined,
): ServerConfig {
  const http = langgraph?.http;
  const isGuarded = options.command === 'dev' && isOpen(environment, langgraph);
  // An empty host would open the service to every network.
  const host = options.host || environment.HOST;
  const port = options.port === undefined ? environment.PORT : Number(options.port);
  return {
    host,
    port: port ?? DEFAULT_PORT,
    port_requested: port !== undefined,
    mount_prefix: (environment.MOUNT_PREFIX ?? http?.mount_prefix ?? '').replace(/\/+$/, ''),
    body_limit_bytes: environment.NESTGRAPH_BODY_LIMIT_MB * BYTES_PER_MB,
    body_limit_values: environment.NESTGRAPH_BODY_LIMIT_VALUES,
    request_timeout_ms: environment.NESTGRAPH_REQUEST_TIMEOUT_SECS * 1000,
    trust_proxy: environment.NESTGRAPH_TRUST_PROXY,
    cors: corsConfig(http?.cors, environment.CORS_ALLOW_ORIGINS ?? (isGuarded ? [] : ['*'])),
    ...(isGuarded && { hosts: hostsConfig(host, environment, published) }),
  };
}

function queueConfig(environment: Environment): QueueConfig {
  return {
    slots: environment.N_JOBS_PER_WORKER,
    timeout_ms: environment.BG_JOB_TIMEOUT_SECS * 1000,
    max_retries: environment.BG_JOB_MAX_RETRIES,
    shutdown_grace_ms: environment.BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS * 1000,
    lease_ms: environment.NESTGRAPH_LEASE_SECS * 1000,
    heartbeat_ms: environment.NESTGRAPH_HEARTBEAT_SECS * 1000,
    stateless_retention_ms: environment.NESTGRAPH_STATELESS_RETENTION_SECS * 1000,
    max_queued: environment.NESTGRAPH_MAX_QUEUED_RUNS,
    fairness: {
      slot_share: environment.NESTGRAPH_CALLER_SLOT_SHARE,
      weights: environment.NESTGRAPH_CALLER_WEIGHTS,
    },
  };
}

const threadTtlConfig = ({ ttl }: NonNullable<LanggraphJson['checkpointer']> = {}): ThreadTtlConfig => ({
  default_minutes: ttl?.default_ttl,
  strategy: ttl?.strategy ?? 'delete',
  sweep_interval_ms: sweepIntervalMs(ttl),
  sweep_limit: ttl?.sweep_limit ?? DEFAULT_SWEEP_LIMIT,
});

const storeConfig = (
  { ttl, index }: NonNullable<LanggraphJson['store']> = {},
  project_directory: string,
): StoreConfig => ({
  ttl: {
    default_minutes: ttl?.default_ttl || undefined,
    refresh_on_read: ttl?.refresh_on_read ?? true,
    sweep_interval_ms: sweepIntervalMs(ttl),
  },
  ...(index && { index: storeIndexConfig(index, project_directory) }),
});

const storeIndexConfig = (
  { dims, embed, fields = ['$'] }: NonNullable<NonNullable<LanggraphJson['store']>['index']>,
  project_directory: string,
): StoreIndexConfig => ({
  dims,
  embed: 'path' in embed ? { file: resolve(project_directory, embed.path), export_name: embed.export_name } : embed,
  fields,
});

const sweepIntervalMs = ({
  sweep_interval_minutes = DEFAULT_SWEEP_INTERVAL_MINUTES,
}: { sweep_interval_minutes?: number } = {}): number =>
  Math.max(sweep_interval_minutes * 60_000, MIN_SWEEP_INTERVAL_MS);

const streamsConfig = (environment: Environment): StreamsConfig => ({
  resumable_ms: environment.NESTGRAPH_STREAM_RETENTION_SECS * 1000,
  other_ms: NON_RESUMABLE_RETENTION_MS,
  max_bytes: environment.NESTGRAPH_STREAM_LIMIT_MB * BYTES_PER_MB,
});

function langsmithConfig(environment: Environment): LangSmithConfig | undefined {
  const api_key = environment.LANGSMITH_API_KEY ?? environment.LANGCHAIN_API_KEY;
  if (api_key === undefined) {
    return undefined;
  }
  const { LANGSMITH_TRACING, LANGSMITH_TRACING_V2, LANGCHAIN_TRACING_V2, LANGCHAIN_TRACING } = environment;
  const flags = [LANGSMITH_TRACING, LANGSMITH_TRACING_V2, LANGCHAIN_TRACING_V2, LANGCHAIN_TRACING];
  return {
    api_key,
    endpoint: environment.LANGSMITH_ENDPOINT ?? environment.LANGCHAIN_ENDPOINT,
    // Any of these variables enables tracing, as in LangChain.
    tracing: flags.includes('true') || (flags.some((value) => value !== undefined) ? false : undefined),
  };
}

const graphDefaults = ({ LANGGRAPH_CONFIG }: Environment): Record<string, GraphDefaults> =>
  Object.fromEntries(
    Object.entries(LANGGRAPH_CONFIG).map(([graph_id, { context, ...config }]) => [
      graph_id,
      { config, context: (context ?? undefined) as JsonObject | undefined },
    ]),
  );

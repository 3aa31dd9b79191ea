import { dirname, resolve } from 'node:path';
import { authConfig } from './auth.js';
import type { CliOptions } from './cli-options.js';
import type { GraphDefaults, NestgraphConfig } from './config.js';
import type { Environment } from './env.js';
import { httpConfig, limitsConfig } from './http.js';
import { resolveGraphs } from './langgraph-json.js';
import type { LanggraphJson } from './langgraph-json.schema.js';
import { langsmithConfig } from './langsmith.js';
import { publishedAddress } from './published-address.js';
import { queueConfig } from './queue.js';
import type { JsonObject } from './schema.js';
import { serverConfig } from './server.js';
import { storeConfig } from './store.js';
import { streamsConfig } from './streams.js';
import { threadTtlConfig } from './ttl.js';
import { webhooksConfig } from './webhooks.js';

/** The valid sources of a configuration. */
export interface ConfigSources {
  readonly options: CliOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly environment: Environment;
  readonly config_file?: string;
  readonly langgraph?: LanggraphJson;
  /** `webhooks.headers` with the values of their variables. */
  readonly webhook_headers: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** Builds the configuration: defaults, units, absolute paths, and what takes precedence. */
export function assemble(sources: ConfigSources): NestgraphConfig {
  const { options, env, environment, config_file, langgraph, webhook_headers, warnings } = sources;
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
    webhooks: webhooksConfig(command, langgraph ?? {}, webhook_headers, environment),
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
    under_npm: env.npm_lifecycle_event !== undefined,
    warnings,
  };
}

const graphDefaults = ({ LANGGRAPH_CONFIG }: Environment): Record<string, GraphDefaults> =>
  Object.fromEntries(
    Object.entries(LANGGRAPH_CONFIG).map(([graph_id, { context, ...config }]) => [
      graph_id,
      { config, context: (context ?? undefined) as JsonObject | undefined },
    ]),
  );

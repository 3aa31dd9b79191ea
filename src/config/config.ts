/** The whole configuration as one typed object, built from the command line, the environment and langgraph.json. */
import type { AuthConfig } from './auth.js';
import type { Command } from './cli-options.js';
import type { Environment } from './env.js';
import type { HttpConfig, LimitsConfig } from './http.js';
import type { GraphSpec } from './langgraph-json.js';
import type { HeaderFilter, LanggraphJson } from './langgraph-json.schema.js';
import type { LangSmithConfig } from './langsmith.js';
import type { QueueConfig } from './queue.js';
import type { JsonObject } from './schema.js';
import type { ServerConfig } from './server.js';
import type { StoreConfig } from './store.js';
import type { StreamsConfig } from './streams.js';
import type { ThreadTtlConfig } from './ttl.js';
import type { WebhooksConfig } from './webhooks.js';

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

export interface DatabaseConfig {
  /** If absent, the service runs an embedded PostgreSQL in `data_directory`. */
  readonly uri?: string;
  readonly pool_size: number;
  readonly prepared_statements: boolean;
}

export interface LogConfig {
  readonly level: Environment['LOG_LEVEL'];
  /** One JSON object per line instead of human-readable lines. */
  readonly json: boolean;
}

/** Initial config and context of the assistant of a graph. */
export interface GraphDefaults {
  readonly config: JsonObject;
  readonly context?: JsonObject;
}

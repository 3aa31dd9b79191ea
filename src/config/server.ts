import type { CliOptions } from './cli-options.js';
import { corsConfig, type CorsConfig } from './cors.js';
import { isOpen } from './auth.js';
import type { Environment } from './env.js';
import { hostsConfig, type HostsConfig } from './hosts.js';
import type { LanggraphJson } from './langgraph-json.schema.js';

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

const DEFAULT_PORT = 2024;
const BYTES_PER_MB = 1024 * 1024;

/** `published` is the address of this service, if the operator has set it. */
export function serverConfig(
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

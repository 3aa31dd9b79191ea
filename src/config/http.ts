/** The `http` block of langgraph.json, and the limits per caller. */
import { resolve } from 'node:path';
import type { Environment } from './env.js';
import type { HeaderFilter, LanggraphJson } from './langgraph-json.schema.js';

/** Groups of routes that `disable_<group>` disables. Routes of crons belong to `runs`. */
export const ROUTE_GROUPS = ['assistants', 'threads', 'runs', 'store', 'meta'] as const;

export type RouteGroup = (typeof ROUTE_GROUPS)[number];

/** Custom routes of the user, from `http.app`. */
export interface CustomAppConfig {
  /** Absolute path of the module. */
  readonly file: string;
  readonly export_name: string;
  /** Its routes require authentication, too. */
  readonly authenticated: boolean;
  /** Authentication runs before its middleware. */
  readonly auth_first: boolean;
}

export interface HttpConfig {
  /** Groups without routes. */
  readonly disabled: readonly RouteGroup[];
  readonly app?: CustomAppConfig;
  /** Request headers in the request log; absent if not configured. */
  readonly logging_headers?: HeaderFilter;
}

/** 0 stands for no limit. */
export interface LimitsConfig {
  readonly requests_per_minute: number;
  /** Open streams and waits per caller. */
  readonly streams_per_caller: number;
  /** Shared counter of all processes. If absent, each process counts its own requests. */
  readonly redis_uri?: string;
}

/** `http` with defaults; paths are resolved against the folder of langgraph.json. */
export function httpConfig(http: LanggraphJson['http'] = {}, directory: string): HttpConfig {
  const { app, logging_headers } = http;
  return {
    disabled: ROUTE_GROUPS.filter((group) => http[`disable_${group}`]),
    ...(app && {
      app: {
        file: resolve(directory, app.path),
        export_name: app.export_name,
        authenticated: http.enable_custom_route_auth ?? false,
        auth_first: http.middleware_order === 'auth_first',
      },
    }),
    ...(logging_headers && { logging_headers }),
  };
}

export const limitsConfig = (environment: Environment): LimitsConfig => ({
  requests_per_minute: environment.NESTGRAPH_RATE_LIMIT_PER_MINUTE,
  streams_per_caller: environment.NESTGRAPH_MAX_STREAMS_PER_CALLER,
  redis_uri: environment.REDIS_URI,
});

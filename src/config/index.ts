export type { AuthConfig, CustomAuthConfig, DocumentedSecurity, JwtConfig } from './auth.js';
export { loadConfig } from './config.js';
export type {
  CliOptions,
  Command,
  DatabaseConfig,
  GraphDefaults,
  LangSmithConfig,
  LogConfig,
  NestgraphConfig,
  FairnessConfig,
  QueueConfig,
  ServerConfig,
  StoreConfig,
  StoreIndexConfig,
  ThreadTtlConfig,
} from './config.js';
export { ConfigError } from './config.errors.js';
export { CONFIG, ConfigModule } from './config.module.js';
export type { CorsConfig } from './cors.js';
export type { CustomAppConfig, HttpConfig, LimitsConfig, RouteGroup } from './http.js';
export type { GraphSpec } from './langgraph-json.js';
export { publishAddress, publishedAddress } from './env.js';
export { type HostsConfig, namesServer } from './hosts.js';
export type { HeaderFilter, LanggraphJson } from './langgraph-json.shape.js';
export type { WebhooksConfig, WebhookUrlPolicy } from './webhooks.js';

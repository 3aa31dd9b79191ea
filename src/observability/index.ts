export { HealthHttpModule } from './health-http.module.js';
export { HealthChecks } from './health-checks.js';
export { LangSmith } from './langsmith.js';
export { ObservabilityModule } from './observability.module.js';
export { Metrics } from './metrics.js';
export { NestgraphLogger } from './logger.js';
export { RequestLog } from './request-log.js';
export { shareLoggerWithGraphs } from './sdk-logger.js';
export { langgraphVersion, NESTGRAPH_VERSION } from './versions.js';

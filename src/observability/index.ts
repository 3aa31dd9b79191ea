export { HealthHttpModule } from './health-http.module.js';
export { HealthChecks } from './health-checks.js';
export { ObservabilityModule } from './observability.module.js';
export { NestgraphLogger } from './logger.js';
export { NESTGRAPH_VERSION } from './versions.js';

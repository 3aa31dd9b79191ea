export { HealthHttpModule } from './health-http.module.js';
export { NestgraphLogger } from './logger.js';
export { NESTGRAPH_VERSION } from './versions.js';

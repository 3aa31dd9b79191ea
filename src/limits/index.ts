export { limitRequests, prepareLimits } from './rate-limit.js';
export { limitAuthFailures } from './auth-failures.js';
export { LimitConcurrentStreams } from './limit-concurrent-streams.js';
export { LimitsModule } from './limits.module.js';

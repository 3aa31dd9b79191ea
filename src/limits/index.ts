export { limitRequests, prepareLimits } from './rate-limit.js';
export { limitAuthFailures } from './auth-failures.js';
export { LimitConcurrentStreams } from './stream-limit.js';

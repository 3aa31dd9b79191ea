export { callerKey } from './caller-key.js';
export { limitRequests } from './rate-limit.js';
export { LastsAsLongAsRun } from './stream-limit.js';

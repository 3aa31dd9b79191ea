export { limitRequests, prepareLimits } from './rate-limit.js';
export { limitRefusals } from './refusals.js';
export { LastsAsLongAsRun } from './stream-limit.js';

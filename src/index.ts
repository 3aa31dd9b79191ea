/** What code outside of this package may use. */
export { ApiError, type ApiErrorFields } from './common/index.js';
export type { NestgraphConfig } from './config/index.js';

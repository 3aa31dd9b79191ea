/** The public API of this package. */
export { ApiError, type ApiErrorFields } from './common/index.js';
export type { NestgraphConfig } from './config/index.js';

import type { NestgraphConfig } from '../../config/index.js';
import { retryWhileUnavailable } from '../../database/index.js';

/**
 * Retries `work` through a restart of the database, for at most the lease, which cannot be renewed meanwhile. `isRetry`:
 * the COMMIT outcome of an earlier try is unknown.
 */
export const retryOnOutage = <T>(
  { queue }: Pick<NestgraphConfig, 'queue'>,
  work: (isRetry: boolean) => Promise<T>,
): Promise<T> => retryWhileUnavailable(queue.lease_ms, work);

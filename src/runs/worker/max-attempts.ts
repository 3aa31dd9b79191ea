import type { NestgraphConfig } from '../../config/index.js';

/** The first attempt and the retries after it (`BG_JOB_MAX_RETRIES`). */
export const maxAttempts = ({ queue }: Pick<NestgraphConfig, 'queue'>): number => queue.max_retries + 1;

import type { Environment } from './env.js';

/** Retention of run events. */
export interface StreamsConfig {
  /** Milliseconds after the end of a resumable run. */
  readonly resumable_ms: number;
  /** Milliseconds after the end of any other run. */
  readonly other_ms: number;
  /** Maximum number of bytes kept per thread. */
  readonly max_bytes: number;
}

const BYTES_PER_MB = 1024 * 1024;
/** Milliseconds after the end of a non-resumable run during which its events can be read. */
const NON_RESUMABLE_RETENTION_MS = 60_000;

export const streamsConfig = (environment: Environment): StreamsConfig => ({
  resumable_ms: environment.NESTGRAPH_STREAM_RETENTION_SECS * 1000,
  other_ms: NON_RESUMABLE_RETENTION_MS,
  max_bytes: environment.NESTGRAPH_STREAM_LIMIT_MB * BYTES_PER_MB,
});

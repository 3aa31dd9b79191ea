import type { LanggraphJson } from './langgraph-json.schema.js';

/** Expiry of inactive threads. */
export interface ThreadTtlConfig {
  /** Minutes after the last activity, for threads created without their own ttl. Absent: they never expire. */
  readonly default_minutes?: number;
  readonly strategy: 'delete' | 'keep_latest';
  /** Milliseconds between two sweeps. */
  readonly sweep_interval_ms: number;
  /** Threads per transaction. */
  readonly sweep_limit: number;
}

/** The defaults of LangGraph's own server. */
const DEFAULT_SWEEP_INTERVAL_MINUTES = 5;
const DEFAULT_SWEEP_LIMIT = 500;
const MIN_SWEEP_INTERVAL_MS = 1_000;

export const threadTtlConfig = ({ ttl }: NonNullable<LanggraphJson['checkpointer']> = {}): ThreadTtlConfig => ({
  default_minutes: ttl?.default_ttl,
  strategy: ttl?.strategy ?? 'delete',
  sweep_interval_ms: sweepIntervalMs(ttl),
  sweep_limit: ttl?.sweep_limit ?? DEFAULT_SWEEP_LIMIT,
});

/** Milliseconds between two sweeps of expired threads or items. */
export const sweepIntervalMs = ({
  sweep_interval_minutes = DEFAULT_SWEEP_INTERVAL_MINUTES,
}: { sweep_interval_minutes?: number } = {}): number =>
  Math.max(sweep_interval_minutes * 60_000, MIN_SWEEP_INTERVAL_MS);

import type { Environment } from './env.js';

/** Times are in milliseconds. */
export interface QueueConfig {
  /** Runs that this process executes concurrently; 0 if it only serves the API. */
  readonly slots: number;
  readonly timeout_ms: number;
  readonly max_retries: number;
  readonly shutdown_grace_ms: number;
  readonly lease_ms: number;
  /** Interval of lease renewals; always shorter than the lease. */
  readonly heartbeat_ms: number;
  readonly stateless_retention_ms: number;
  /** Maximum number of queued runs per thread; 0 for no limit. */
  readonly max_queued: number;
  readonly fairness: FairnessConfig;
}

/** How authenticated callers share the slots. */
export interface FairnessConfig {
  /** Maximum share of a process's slots for one caller; 0 for first come, first served. */
  readonly slot_share: number;
  /** Slots per turn, by identity. Other callers get one. */
  readonly weights: Readonly<Record<string, number>>;
}

export function queueConfig(environment: Environment): QueueConfig {
  return {
    slots: environment.N_JOBS_PER_WORKER,
    timeout_ms: environment.BG_JOB_TIMEOUT_SECS * 1000,
    max_retries: environment.BG_JOB_MAX_RETRIES,
    shutdown_grace_ms: environment.BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS * 1000,
    lease_ms: environment.NESTGRAPH_LEASE_SECS * 1000,
    heartbeat_ms: environment.NESTGRAPH_HEARTBEAT_SECS * 1000,
    stateless_retention_ms: environment.NESTGRAPH_STATELESS_RETENTION_SECS * 1000,
    max_queued: environment.NESTGRAPH_MAX_QUEUED_RUNS,
    fairness: {
      slot_share: environment.NESTGRAPH_CALLER_SLOT_SHARE,
      weights: environment.NESTGRAPH_CALLER_WEIGHTS,
    },
  };
}

import type { BatchItem } from '../../runs/index.js';
import type { CronEntity } from '../cron.entity.js';
import { nextRunDate } from '../schedule.js';
import type { DueCron } from './due-crons.js';

/** A due time older than this is missed. Up to then it is only late, and still gets its own run. */
const MISSED_AFTER_MS = 2_000;

/** The columns that define the runs of a cron. */
export type RunSource = Pick<CronEntity, 'thread_id' | 'payload' | 'metadata' | 'on_run_completed'>;

/** The run that a cron creates. */
export const runOf = ({ thread_id, payload, metadata, on_run_completed }: RunSource): BatchItem => ({
  ...payload,
  metadata,
  ...(thread_id ? { thread_id } : { on_completion: on_run_completed ?? 'delete' }),
});

/**
 * The next due time of a fired cron. When due times were missed because no process was running, the cron is fired once
 * for all of them, and its next due time is in the future.
 */
export const nextAfter = (cron: DueCron): Date | null =>
  nextRunDate(cron, lateness(cron) > MISSED_AFTER_MS ? cron.now : cron.next_run_date);

const lateness = ({ now, next_run_date }: DueCron): number => now.getTime() - next_run_date.getTime();

/** Milliseconds from the due time until `ms` after the claim. */
export const lagOf = (cron: DueCron, ms: number): number => Math.round(lateness(cron) + ms);

/**
 * Whether the cron is fired in its own transaction: its run may be rejected, or interrupts another run. Its failure
 * must not affect other crons, and they must not wait for it.
 */
export const needsOwnTransaction = ({ is_busy, payload: { multitask_strategy } }: DueCron): boolean =>
  is_busy && (multitask_strategy === 'reject' || multitask_strategy === 'interrupt');

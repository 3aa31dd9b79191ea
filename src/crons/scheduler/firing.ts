import type { BatchItem } from '../../runs/index.js';
import type { CronEntity } from '../cron.entity.js';
import { nextRunDate } from '../schedule.js';
import type { DueCron } from './due-crons.js';

/** Milliseconds after which a time counts as missed: until then it is late, and is made up for by a run of its own. */
const LATE_MS = 2_000;

/** The columns that say what a cron runs. */
export type RunSource = Pick<CronEntity, 'thread_id' | 'payload' | 'metadata' | 'on_run_completed'>;

/** The run that a cron asks for. */
export const runOf = ({ thread_id, payload, metadata, on_run_completed }: RunSource): BatchItem => ({
  ...payload,
  metadata,
  ...(thread_id ? { thread_id } : { on_completion: on_run_completed ?? 'delete' }),
});

/**
 * When it is due after this time. Of the times that were missed, because no process was there, one is made up for, however
 * many there were: the next one is in the future.
 */
export const nextAfter = (cron: DueCron): Date | null =>
  nextRunDate(cron, lateness(cron) > LATE_MS ? cron.now : cron.next_run_date);

const lateness = ({ now, next_run_date }: DueCron): number => now.getTime() - next_run_date.getTime();

/** Milliseconds from the due time until `ms` after the claim. */
export const lagOf = (cron: DueCron, ms: number): number => Math.round(lateness(cron) + ms);

/**
 * A run that may be refused, or that takes the place of another one, goes alone: what happens to it must not happen to
 * others, and they must not wait for it.
 */
export const goesAlone = ({ is_busy, payload: { multitask_strategy } }: DueCron): boolean =>
  is_busy && (multitask_strategy === 'reject' || multitask_strategy === 'interrupt');

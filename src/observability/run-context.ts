import { AsyncLocalStorage } from 'node:async_hooks';

/** The run that the current code belongs to. */
export interface RunningCode {
  run_id: string;
  thread_id: string;
  graph_id: string;
}

const running = new AsyncLocalStorage<RunningCode>();

/**
 * Calls `work` in the context of this run. Its callbacks, timers and promises inherit it, even when nothing awaits
 * them.
 */
export const inRun = <T>(run: RunningCode, work: () => T): T => running.run(run, work);

/** The current run; undefined outside of runs, and where Node has lost the context. */
export const currentRun = (): RunningCode | undefined => running.getStore();

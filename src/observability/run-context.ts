import { AsyncLocalStorage } from 'node:async_hooks';

/** The run whose code is executing. */
export interface RunningCode {
  run_id: string;
  thread_id: string;
  graph_id: string;
}

const running = new AsyncLocalStorage<RunningCode>();

/** Calls `work` as code of this run: so are its callbacks, timers and promises, also those that nothing awaits. */
export const inRun = <T>(run: RunningCode, work: () => T): T => running.run(run, work);

/** Undefined outside of runs, and where Node has lost the context. */
export const currentRun = (): RunningCode | undefined => running.getStore();

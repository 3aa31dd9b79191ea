import { type GraphExecution, LeaseLostError } from '../../execution/index.js';
import type { RunStream } from '../../streams/index.js';
import type { ActiveRun } from './active-run.js';

/**
 * Returns the condition for committing a superstep: its events are in the log. A worker that resumes after the
 * superstep therefore need not repeat them. A stopped run reads no more events from its graph and does not wait for the
 * log, which may be unavailable; if another worker resumes the run, this process commits nothing more.
 */
export function readinessOf(
  execution: Pick<GraphExecution, 'caughtUp'>,
  stream: Pick<RunStream, 'logged'>,
  active: Pick<ActiveRun, 'signal' | 'resumesElsewhere'>,
): () => Promise<void> {
  const stopped = new Promise<void>((resolve, reject) => {
    const onStop = (): void => (active.resumesElsewhere ? reject(new LeaseLostError()) : resolve());
    active.signal.addEventListener('abort', onStop, { once: true });
  });
  // The promise may reject with no commit waiting for it.
  stopped.catch(() => undefined);
  return () => Promise.race([execution.caughtUp().then(() => stream.logged()), stopped]);
}

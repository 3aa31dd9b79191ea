import { type GraphExecution, LeaseLostError } from '../../execution/index.js';
import type { RunStream } from '../../streams/index.js';
import type { ActiveRun } from './active-run.js';

/**
 * Whoever goes on after a superstep does not repeat its events: they are in the log before it is committed. A run that has
 * been stopped takes no more events from its graph, and does not wait for a log that may be away: when it goes on elsewhere,
 * nothing more is committed here.
 */
export function readinessOf(
  execution: Pick<GraphExecution, 'caughtUp'>,
  stream: Pick<RunStream, 'logged'>,
  active: Pick<ActiveRun, 'signal' | 'goesOnElsewhere'>,
): () => Promise<void> {
  const stopped = new Promise<void>((resolve, reject) => {
    const onStop = (): void => (active.goesOnElsewhere ? reject(new LeaseLostError()) : resolve());
    active.signal.addEventListener('abort', onStop, { once: true });
  });
  // Maybe nobody asks any more.
  stopped.catch(() => undefined);
  return () => Promise.race([execution.caughtUp().then(() => stream.logged()), stopped]);
}

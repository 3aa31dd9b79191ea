import { whenBroken } from '../common/index.js';
import { surviveUncaughtErrors } from '../observability/index.js';

/** Registers what has to be stopped at the end; the last one registered is stopped first. */
export type OnStop = (stop: () => Promise<void>) => void;

/** Milliseconds between two looks at the parent process. */
const PARENT_CHECK_MS = 500;

/** Milliseconds that a broken process gets to stop in order. */
const BROKEN_STOP_MS = 10_000;

/**
 * Starts something, and stops it in order when the process is told to: also when the start fails, or when the signal
 * comes while it is still under way. A second signal stops at once. The exit code after a signal is that of a regular
 * end: stopping is what was asked for. Under npm the end of the parent, a shell, counts as a signal. Errors that nothing
 * awaits do not stop it; a process that reports to be broken stops in order, with exit code 1.
 */
export async function runUntilSignal(
  { under_npm }: { under_npm: boolean },
  start: (onStop: OnStop) => Promise<void>,
): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (let stop = stops.pop(); stop; stop = stops.pop()) {
      await stop();
    }
  };
  let starting: Promise<void> = Promise.resolve();
  let isStopping = false;
  const stop = (exitCode: number): void => {
    isStopping = true;
    // A start that fails is reported below; here it only means that there is less to stop.
    starting
      .catch(() => undefined)
      .then(stopAll)
      .then(
        () => process.exit(exitCode),
        (error: unknown) => {
          process.stderr.write(`Stopping failed: ${String(error)}\n`);
          process.exit(1);
        },
      );
  };
  const onSignal = (): void => (isStopping ? process.exit(1) : stop(0));
  surviveUncaughtErrors();
  whenBroken((reason) => {
    process.stderr.write(`${reason}\n`);
    if (!isStopping) {
      setTimeout(() => process.exit(1), BROKEN_STOP_MS);
      stop(1);
    }
  });
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (under_npm) {
    onOrphaned(onSignal);
  }
  starting = start((stop) => stops.push(stop));
  try {
    await starting;
  } catch (error) {
    if (!isStopping) {
      await stopAll();
    }
    throw error;
  }
}

/** npm hands SIGTERM to the shell that it has started us with, which ends without a word to us. */
function onOrphaned(listener: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(timer);
      listener();
    }
  }, PARENT_CHECK_MS);
  timer.unref();
}

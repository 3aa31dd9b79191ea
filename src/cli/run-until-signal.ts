import { onFatalError } from '../common/index.js';
import { surviveUncaughtErrors } from '../observability/index.js';

/** Registers a stop function. They are called in reverse order. */
export type OnStop = (stop: () => Promise<void>) => void;

/** Milliseconds between two polls of the parent process. */
const PARENT_POLL_INTERVAL_MS = 500;

/** Milliseconds that a process may take for an orderly shutdown after a fatal error. */
const FATAL_SHUTDOWN_TIMEOUT_MS = 10_000;

/**
 * Runs `start`, and shuts down in order on SIGINT or SIGTERM, even during the start, or if the start fails. A second signal
 * exits at once. The exit code after a signal is 0, because the shutdown was requested. Under npm, the end of the parent
 * process (a shell) counts as a signal. Uncaught errors and unhandled rejections do not stop the process. After a fatal error
 * it shuts down in order, with exit code 1.
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
    // The failure of the start is reported below. Here it only means that fewer stop functions are registered.
    starting
      .catch(() => undefined)
      .then(stopAll)
      .then(
        () => process.exit(exitCode),
        (error: unknown) => {
          process.stderr.write(`Shutdown failed: ${String(error)}\n`);
          process.exit(1);
        },
      );
  };
  const onSignal = (): void => (isStopping ? process.exit(1) : stop(0));
  surviveUncaughtErrors();
  onFatalError((reason) => {
    process.stderr.write(`${reason}\n`);
    if (!isStopping) {
      setTimeout(() => process.exit(1), FATAL_SHUTDOWN_TIMEOUT_MS);
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

/** npm sends SIGTERM to the shell that started this process. The shell ends without forwarding it. */
function onOrphaned(listener: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(timer);
      listener();
    }
  }, PARENT_POLL_INTERVAL_MS);
  timer.unref();
}

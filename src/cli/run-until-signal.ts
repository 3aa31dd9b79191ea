/** Registers what has to be stopped at the end; the last one registered is stopped first. */
export type OnStop = (stop: () => Promise<void>) => void;

/**
 * Starts something, and stops it in order when the process is told to: also when the start fails, or when the signal
 * comes while it is still under way. A second signal stops at once. The exit code after a signal is that of a regular
 * end: stopping is what was asked for.
 */
export async function runUntilSignal(start: (onStop: OnStop) => Promise<void>): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (let stop = stops.pop(); stop; stop = stops.pop()) {
      await stop();
    }
  };
  let starting: Promise<void> = Promise.resolve();
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) {
      process.exit(1);
    }
    isStopping = true;
    // A start that fails is reported below; here it only means that there is less to stop.
    starting
      .catch(() => undefined)
      .then(stopAll)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`Stopping failed: ${String(error)}\n`);
          process.exit(1);
        },
      );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
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

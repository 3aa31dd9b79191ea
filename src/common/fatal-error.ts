type FatalErrorListener = (reason: string) => void;

let listener: FatalErrorListener = (reason) => {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
};

/** Replaces how this process ends after a fatal error. By default it exits at once. */
export function onFatalError(onError: FatalErrorListener): void {
  listener = onError;
}

/**
 * Ends a process that cannot work any more, for example because its database was deleted: with a message for the operator
 * and an exit code that makes a supervisor restart it.
 */
export const reportFatalError = (reason: string): void => listener(reason);

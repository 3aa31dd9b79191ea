/** What a process that is really broken does instead of going on. */
type OnBroken = (reason: string) => void;

let onBroken: OnBroken = (reason) => {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
};

/** How this process ends when it is broken: by default at once. */
export function whenBroken(listener: OnBroken): void {
  onBroken = listener;
}

/**
 * Ends a process that cannot work any more, e.g. because its database is gone for good: with a sentence for people and
 * an exit code that makes a supervisor start another one.
 */
export const endBrokenProcess = (reason: string): void => onBroken(reason);

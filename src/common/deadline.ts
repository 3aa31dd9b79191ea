import { setTimeout as sleep } from 'node:timers/promises';

/** The result of `work`, unless that takes longer than `ms`: then `onTimeout` gives what is thrown. */
export async function withDeadline<T>(ms: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  const done = new AbortController();
  const timeUp = sleep(ms, undefined, { signal: done.signal }).then(
    () => Promise.reject(onTimeout()),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    done.abort();
  }
}

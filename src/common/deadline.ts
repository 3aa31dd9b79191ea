import { setTimeout as sleep } from 'node:timers/promises';

/** Returns the result of `work`. If it takes longer than `ms`, throws the error that `onTimeout` returns. */
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

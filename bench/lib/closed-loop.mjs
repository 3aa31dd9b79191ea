import { performance } from 'node:perf_hooks';

/**
 * `concurrency` callers, each calling again as soon as it has been answered, for `seconds`. Gives how long each call took,
 * what the calls returned, and how long it took altogether. The first call that fails ends it: figures of something that
 * does not work are worth nothing.
 *
 * `beside` is other load meanwhile, not measured: it goes on until the function that it is given says that it is over.
 */
export async function closedLoop({ concurrency, seconds, call, beside }) {
  const samples = [];
  const returned = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let over = false;
  const caller = async () => {
    while (performance.now() < end && !over) {
      const start = performance.now();
      returned.push(await call());
      samples.push(performance.now() - start);
    }
  };
  const others = beside?.(() => over);
  try {
    await Promise.all(Array.from({ length: concurrency }, caller));
  } finally {
    over = true;
    await others;
  }
  return { samples, returned, wall_ms: performance.now() - begin };
}

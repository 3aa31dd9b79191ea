import { performance } from 'node:perf_hooks';

/**
 * Runs `concurrency` callers for `seconds`; each calls again as soon as it has received a response. Returns the duration of
 * each call, the results, and the total duration. The first failed call ends the measurement: figures of a broken server
 * are worthless.
 *
 * `beside` is concurrent load that is not measured: it continues until the function that it receives returns true.
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

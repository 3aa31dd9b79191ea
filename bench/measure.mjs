// Closed-loop measuring and the figures that come out of it.

export const round = (value, digits = 2) => Number(value.toFixed(digits));

export function latency(samples) {
  const sorted = Float64Array.from(samples).sort();
  const at = (share) => round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]);
  return { n: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) };
}

/**
 * `concurrency` callers, each calling again as soon as it has been answered, for `seconds`. Gives what the calls
 * returned (`results`), how long each took and how many there were in a second.
 */
export async function closedLoop({ concurrency, seconds, call, warmup = 20 }) {
  for (let i = 0; i < warmup; i += 1) {
    await call();
  }
  const samples = [];
  const results = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      results.push(await call());
      samples.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const wall = (performance.now() - begin) / 1000;
  return { results, figures: { concurrency, ...latency(samples), per_s: round(samples.length / wall, 1) }, wall };
}

// Computes the printed figures from measurements. A measurement is a list of rounds, each as returned by `closedLoop`, with
// the CPU milliseconds of each process (`cpu`) if known.

export const round = (value, digits = 2) => Number(value.toFixed(digits));

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** A quantile of sorted values, e.g. 0.95. */
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];

/** The median of a few values. */
export const median = (values) => quantile(Float64Array.from(values).sort(), 0.5);

/** Summarizes durations in milliseconds. */
export function spread(samples) {
  const sorted = Float64Array.from(samples).sort();
  if (sorted.length === 0) {
    return { n: 0 };
  }
  const at = (share) => round(quantile(sorted, share));
  return { n: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: round(sorted.at(-1)) };
}

/** CPU of each process per item of `count` items, in microseconds. */
export function cpuOf(rounds, count) {
  const names = Object.keys(rounds[0].cpu ?? {});
  const used = names.map((name) => [name, round((sum(rounds.map(({ cpu }) => cpu[name])) * 1000) / count, 1)]);
  return Object.fromEntries(used);
}

/** Calls: latency, throughput, and CPU per call. */
export function calls(rounds) {
  const samples = rounds.flatMap((one) => one.samples);
  const wall_ms = sum(rounds.map((one) => one.wall_ms));
  return {
    ...spread(samples),
    per_s: round((samples.length * 1000) / wall_ms, 1),
    cpu_us_per_call: cpuOf(rounds, samples.length),
  };
}

/**
 * The maximum throughput relative to the floor if it were bound only by CPU and the busiest process of the server had its
 * own core. Hardly depends on the other load of the machine.
 */
function cpuBound(server, { floor }) {
  const processes = ['server', 'api', 'worker'].flatMap((name) => server[name] ?? []);
  return round(floor / Math.max(...processes), 3);
}

/** Compares calls of the server with the same calls of the floor. */
export const callRatio = (server, floor) => ({
  throughput: round(server.per_s / floor.per_s, 3),
  throughput_bound_by_cpu: cpuBound(server.cpu_us_per_call, floor.cpu_us_per_call),
  added_p50_ms: round(server.p50_ms - floor.p50_ms),
});

/**
 * Streams, each with the milliseconds from the call to its events: `first_ms` to the first of any kind, `tokens_ms` to
 * each token.
 */
export function streams(rounds) {
  const all = rounds.flatMap(({ returned }) => returned);
  const tokens = sum(all.map(({ tokens_ms }) => tokens_ms.length));
  return {
    streams: all.length,
    tokens_per_s: round((tokens * 1000) / sum(rounds.map(({ wall_ms }) => wall_ms)), 0),
    first_event: spread(all.map(({ first_ms }) => first_ms)),
    first_token: spread(all.map(({ tokens_ms }) => tokens_ms[0])),
    gaps: spread(all.flatMap(({ tokens_ms }) => tokens_ms.slice(1).map((at, index) => at - tokens_ms[index]))),
    cpu_us_per_token: cpuOf(rounds, tokens),
  };
}

/** Without a server the first event is the first token; the server sends `metadata` before. */
export const streamRatio = (server, floor) => ({
  tokens: round(server.tokens_per_s / floor.tokens_per_s, 3),
  tokens_bound_by_cpu: cpuBound(server.cpu_us_per_token, floor.cpu_us_per_token),
  first_event_added_p50_ms: round(server.first_event.p50_ms - floor.first_event.p50_ms),
  first_token_added_p50_ms: round(server.first_token.p50_ms - floor.first_token.p50_ms),
});

/** Summarizes calls that return objects of named durations, by name. */
export function named(rounds) {
  const all = rounds.flatMap(({ returned }) => returned);
  return Object.fromEntries(Object.keys(all[0]).map((name) => [name, spread(all.map((one) => one[name]))]));
}

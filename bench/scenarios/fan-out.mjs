import { performance } from 'node:perf_hooks';
import { cpuOf, median, round, spread } from '../lib/figures.mjs';
import { HELLO, MANY_TOKENS } from '../lib/inputs.mjs';

/** Delay before a run starts: all its readers have joined by then. */
const DELAY_S = 0.5;
const BODY = {
  assistant_id: 'tokens',
  input: HELLO,
  stream_mode: 'messages-tuple',
  config: { configurable: { tokens: MANY_TOKENS } },
};

/** One run with many readers: how fast its tokens reach the last reader, compared with a run without a server. */
export async function fanOut(bench) {
  const server = await bench.server();
  const stream = () => server.client.streamTokens('/runs/stream', BODY, MANY_TOKENS);
  await bench.warmUp({ call: stream, operation: 'many_tokens', concurrency: 4 });
  const alone = await bench.floor.measure('many_tokens', { concurrency: 1, seconds: bench.seconds / 2 });
  const base = { tokens_per_s: median(alone.returned.map((run) => rateOf([{ begin: 0, ...run }]))) };
  const result = { tokens_of_the_run: MANY_TOKENS, floor: base };
  for (const readers of [1, 10, 50]) {
    const call = runWithReaders(server.client, readers);
    const figures = await bench.figuresOf(server, { call, concurrency: 1, figures: figuresOfRuns });
    result[`readers_${readers}`] = {
      server: figures,
      ratio: { tokens: round(figures.tokens_per_s / base.tokens_per_s, 3) },
    };
  }
  return result;
}

/** Creates a run that starts when all readers have joined. Returns when each reader received its tokens. */
const runWithReaders = (client, readers) => async () => {
  const { run_id } = await client.post('/runs', { ...BODY, after_seconds: DELAY_S });
  const read = async () => {
    const begin = performance.now();
    return { begin, ...(await client.joinTokens(`/runs/${run_id}/stream`, MANY_TOKENS)) };
  };
  return Promise.all(Array.from({ length: readers }, read));
};

/** The first event marks the start of the run. */
const firstOf = (readers) => Math.min(...readers.map(({ begin, first_ms }) => begin + first_ms));
const endsOf = (readers) => readers.map(({ begin, tokens_ms }) => begin + tokens_ms.at(-1));

/** Tokens per second, until all readers have received all of them. */
const rateOf = (readers) => round((MANY_TOKENS * 1000) / (Math.max(...endsOf(readers)) - firstOf(readers)), 0);

function figuresOfRuns(rounds) {
  const runs = rounds.flatMap(({ returned }) => returned);
  const tokens_per_s = median(runs.map(rateOf));
  const [{ length: readers }] = runs;
  return {
    runs: runs.length,
    tokens_per_s,
    deliveries_per_s: tokens_per_s * readers,
    last_reader_after_first: spread(runs.map((all) => Math.max(...endsOf(all)) - Math.min(...endsOf(all)))),
    cpu_us_per_delivery: cpuOf(rounds, runs.length * readers * MANY_TOKENS),
  };
}

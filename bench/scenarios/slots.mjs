import { streamRatio, streams } from '../lib/figures.mjs';
import { streamTokens } from './tokens.mjs';
import { waitForEcho } from './wait.mjs';

const SLOTS = '128';

/** As many slots as callers: compares with the default of 10 slots, for which runs queue in the database. */
export async function slots(bench) {
  const server = await bench.server({ env: { N_JOBS_PER_WORKER: SLOTS } });
  const call = waitForEcho(server.client);
  const tokens = streamTokens(server.client);
  await bench.warmUp({ call, operation: 'echo' });
  const asStreams = { figures: streams, ratio: streamRatio };
  return {
    slots: Number(SLOTS),
    wait_c32: await bench.compare(server, { call, operation: 'echo', concurrency: 32 }),
    tokens_c100: await bench.compare(server, { call: tokens, operation: 'tokens', concurrency: 100, ...asStreams }),
  };
}

import { streamRatio, streams } from '../lib/figures.mjs';
import { streamTokens } from './tokens.mjs';

/** Streams of runs that another process executes: every token goes through the event log in the database. */
export async function remoteStream(bench) {
  const server = await bench.serverApart();
  const call = streamTokens(server.client);
  await bench.warmUp({ call, operation: 'tokens' });
  const result = {};
  for (const concurrency of [1, 20]) {
    const common = { operation: 'tokens', figures: streams, ratio: streamRatio };
    result[`c${concurrency}`] = await bench.compare(server, { ...common, call, concurrency });
  }
  return result;
}

import { randomUUID } from 'node:crypto';
import { streamRatio, streams } from '../lib/figures.mjs';
import { HELLO, TOKENS } from '../lib/inputs.mjs';

/** Streamed tokens: throughput, time to the first token, and gaps between tokens. */
export async function tokens(bench) {
  const server = await bench.server();
  const call = streamTokens(server.client);
  const resumable = streamResumableTokens(server.client);
  const common = { operation: 'tokens', figures: streams, ratio: streamRatio };
  await bench.warmUp({ call, operation: 'tokens' });
  const result = {};
  for (const concurrency of [1, 20, 100]) {
    result[`c${concurrency}`] = await bench.compare(server, { ...common, call, concurrency });
  }
  await bench.warmUp({ call: resumable, operation: 'tokens' });
  for (const concurrency of [1, 20]) {
    result[`resumable_c${concurrency}`] = await bench.compare(server, { ...common, call: resumable, concurrency });
  }
  return result;
}

const BODY = { assistant_id: 'tokens', input: HELLO, stream_mode: 'messages-tuple' };

/** A stateless run, read from its first token to its last. */
export const streamTokens = (client) => () => client.streamTokens('/runs/stream', BODY, TOKENS);

/** The same on a thread, with a resumable stream: each event is stored in the database before it is sent. */
const streamResumableTokens = (client) => () =>
  client.streamTokens(
    `/threads/${randomUUID()}/runs/stream`,
    { ...BODY, stream_resumable: true, if_not_exists: 'create' },
    TOKENS,
  );

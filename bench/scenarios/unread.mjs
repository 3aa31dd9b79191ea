import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { round, streamRatio, streams } from '../lib/figures.mjs';
import { streamTokens } from './tokens.mjs';

/** Clients that request a stream of 8 MB each and read nothing. */
const CLIENTS = 10;
const FLOOD = { assistant_id: 'flood', input: {}, stream_mode: 'custom' };

/** Clients that do not read: their runs still end, other clients are not affected, and memory is bounded. */
export async function unread(bench) {
  const server = await bench.server({ probed: true });
  const call = streamTokens(server.client);
  const load = { call, operation: 'tokens', concurrency: 4, seconds: bench.seconds / 2 };
  await bench.warmUp(load);
  // Warm-up: the server has sent such streams before.
  await (await server.client.send('POST', '/runs/stream', FLOOD)).dump();
  const common = { ...load, figures: streams, ratio: streamRatio };
  const alone = await bench.compare(server, common);
  const before = await server.memory();
  const peakOf = server.watchRss();
  const begin = performance.now();
  const requests = Array.from({ length: CLIENTS }, () => request(server.client.url));
  await Promise.all(requests.map((one) => runEnds(one, server.client)));
  const runs_ended_ms = round(performance.now() - begin, 0);
  const beside_unread = await bench.compare(server, common);
  const peak_rss_mb = peakOf();
  const with_clients = await server.memory();
  requests.forEach((one) => one.destroy());
  await server.quiet();
  return {
    clients: CLIENTS,
    runs_ended_ms,
    alone,
    beside_unread,
    memory: { before, peak_rss_mb, with_clients, when_they_have_left: await server.memory() },
  };
}

function request(url) {
  const path = `/threads/${randomUUID()}/runs/stream`;
  const one = http.request(url + path, { method: 'POST', headers: { 'content-type': 'application/json' } });
  return one.end(JSON.stringify({ ...FLOOD, if_not_exists: 'create' }));
}

/** Reads the headers of the response, but not the body. */
async function runEnds(one, client) {
  const [{ statusCode, headers }] = await once(one, 'response');
  if (statusCode !== 200) {
    throw new Error(`the stream responded with ${statusCode}`);
  }
  const { written } = await client.get(`${headers['content-location']}/join`);
  if (!(written > 0)) {
    throw new Error('the run has not ended');
  }
}

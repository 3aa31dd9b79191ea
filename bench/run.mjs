// Measures a server from its start to its stop, on an embedded database of its own, and the same graphs without a server
// in the same run: every figure is also a ratio. Prints one JSON document.
//   npm run bench -- [--seconds 5]
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { closedLoop, latency, round } from './measure.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const seconds = Number(values.seconds);
const here = import.meta.dirname;
const data = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-bench-'));
const input = { messages: [{ role: 'user', content: 'hello' }] };

/** Starts the server and gives its address and the milliseconds until it answered /ok. */
async function start() {
  const begin = performance.now();
  const child = spawn(process.execPath, [path.join(here, '../dist/src/main.js'), 'start', '--port', '0'], {
    cwd: path.join(here, 'graphs'),
    env: { ...process.env, NESTGRAPH_DATA_DIR: data, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const match = /API {5}(\S+)/.exec(text);
      if (match) resolve(match[1]);
    });
    child.once('exit', () => reject(new Error(`the server did not start:\n${text}`)));
  });
  await fetch(`${url}/ok`);
  return { child, url, ms: round(performance.now() - begin, 0) };
}

async function stop({ child }) {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

async function scenarios(url) {
  const pool = new Pool(url, { connections: 128 });
  const post = async (route, body) => {
    const response = await pool.request({
      method: 'POST',
      path: route,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.statusCode !== 200) throw new Error(`${route}: ${response.statusCode} ${await response.body.text()}`);
    return response.body;
  };
  const waitEcho = async () => (await post('/runs/wait', { assistant_id: 'echo', input })).json();
  const streamTokens = async () => {
    const begin = performance.now();
    let first;
    let text = '';
    for await (const chunk of await post('/runs/stream', {
      assistant_id: 'tokens',
      input,
      stream_mode: 'messages-tuple',
    })) {
      first ??= performance.now() - begin;
      text += chunk;
    }
    const events = text.split('event: messages\n').length - 1;
    if (events !== 200) throw new Error(`${events} tokens instead of 200`);
    return { first, events };
  };
  const runSteps = async () => {
    const body = { assistant_id: 'steps10', input: {}, if_not_exists: 'create' };
    const state = await (await post(`/threads/${randomUUID()}/runs/wait`, body)).json();
    if (state.step !== 10) throw new Error('steps10 did not reach its end');
  };
  const wait_c1 = (await closedLoop({ concurrency: 1, seconds, call: waitEcho, warmup: 200 })).figures;
  const wait_c32 = (await closedLoop({ concurrency: 32, seconds, call: waitEcho })).figures;
  const single = await closedLoop({ concurrency: 1, seconds, call: streamTokens });
  const many = await closedLoop({ concurrency: 20, seconds, call: streamTokens });
  const steps10_c8 = (await closedLoop({ concurrency: 8, seconds, call: runSteps })).figures;
  await pool.close();
  return {
    wait_c1,
    wait_c32,
    first_event_c1: latency(single.results.map(({ first }) => first)),
    tokens_c20: { per_s: round(many.results.reduce((sum, { events }) => sum + events, 0) / many.wall, 0) },
    steps10_c8,
  };
}

/** Server over floor: throughput as a share, latency as what the server adds. */
const compare = (server, floor) => ({
  wait_c1_added_ms: round(server.wait_c1.p50_ms - floor.wait_c1.p50_ms),
  wait_c32_throughput: round(server.wait_c32.per_s / floor.wait_c32.per_s),
  first_event_c1_added_ms: round(server.first_event_c1.p50_ms - floor.first_event_c1.p50_ms),
  tokens_c20_throughput: round(server.tokens_c20.per_s / floor.tokens_c20.per_s),
  steps10_c8_throughput: round(server.steps10_c8.per_s / floor.steps10_c8.per_s),
});

try {
  const floor = JSON.parse(execFileSync(process.execPath, [path.join(here, 'floor.mjs'), String(seconds)]));
  const first = await start();
  const server = await scenarios(first.url);
  await stop(first);
  const again = await start();
  await stop(again);
  const result = {
    node: process.version,
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    start_ms: { first: first.ms, on_existing_data: again.ms },
    server,
    floor,
    ratio: compare(server, floor),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  rmSync(data, { recursive: true, force: true });
}

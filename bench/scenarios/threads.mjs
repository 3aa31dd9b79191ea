import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop } from '../lib/closed-loop.mjs';
import { calls, round, spread } from '../lib/figures.mjs';
import { openDatabase } from '../lib/database.mjs';
import { enableCounting, StatementCounter } from '../lib/statements.mjs';

const FEW = 1_000;
const MANY = 300_000;
const CHECKPOINTS = 1_000;
const COPIES = 5;
/** Maximum number of count rows that the server does not aggregate. */
const MAX_CHANGES = 1_100;
/** Checkpoints of a run of `steps10`, including its input. */
const PER_RUN = 11;

/** 20 threads of each user, 15 of 100 interrupted; the state is a conversation of three messages. */
const INSERT_THREADS = `
  INSERT INTO threads (thread_id, status, metadata, values, created_at, updated_at, state_updated_at)
  SELECT gen_random_uuid(), CASE WHEN n % 100 < 15 THEN 'interrupted' ELSE 'idle' END,
         jsonb_build_object('graph_id', 'g' || n % 3, 'assistant_id', 'a' || n % 5, 'user_id', 'u' || n % $3),
         jsonb_build_object('stage', 's' || n % $3, 'messages', (
           SELECT jsonb_agg(jsonb_build_object('type', 'human', 'content', repeat(n || ' hello ' || m, 20)))
           FROM generate_series(1, 3) m)),
         now() - n * interval '1 second', now() - n * interval '1 second', now() - n * interval '1 second'
  FROM generate_series($1::int, $2::int) n`;

/** Requests of clients. All but the count return complete rows, as with the SDK. */
const REQUESTS = {
  by_metadata: ['/threads/search', { metadata: { user_id: 'u7' } }],
  by_metadata_of_many: ['/threads/search', { metadata: { graph_id: 'g1' } }],
  by_values: ['/threads/search', { values: { stage: 's7' } }],
  by_status: ['/threads/search', { status: 'interrupted' }],
  newest: ['/threads/search', {}],
  by_state_updated_at: ['/threads/search', { sort_by: 'state_updated_at' }],
  count: ['/threads/count', {}],
  count_by_status: ['/threads/count', { status: 'interrupted' }],
};

/** Whether the cost of a page of threads depends on their number; the duration of copying a long thread. */
export async function threads(bench) {
  const deployment = bench.newDeployment();
  await enableCounting(deployment.directory);
  await deployment.startServer();
  const database = await openDatabase(deployment.directory);
  const counter = await StatementCounter.on(deployment.directory);
  try {
    const copy = await copies(deployment.client);
    await insert(database.client, 1, FEW);
    const few = await askAll(bench, deployment.client, counter);
    await insert(database.client, FEW + 1, MANY);
    const many = await askAll(bench, deployment.client, counter);
    const ratio = Object.keys(REQUESTS).map((name) => [name, round(many[name].p50_ms / few[name].p50_ms)]);
    return {
      copy_1000_checkpoints: copy,
      n1000: few,
      n300000: many,
      ratio: Object.fromEntries(ratio),
    };
  } finally {
    await counter.close();
    await database.close();
  }
}

async function insert(client, from, to) {
  await client.query(INSERT_THREADS, [from, to, Math.max(1, Math.round(to / 20))]);
  // Unrealistically many at once: wait until the server has aggregated their counts.
  const changes = async () => (await client.query('SELECT FROM thread_counts')).rowCount;
  while ((await changes()) > MAX_CHANGES) {
    await sleep(500);
  }
  await client.query('VACUUM ANALYZE threads, thread_counts');
}

async function askAll(bench, client, counter) {
  const figures = {};
  const ask = ([path, body]) => client.post(path, body);
  for (const request of Object.values(REQUESTS)) {
    await closedLoop({ concurrency: 1, seconds: 0.2, call: () => ask(request) });
  }
  for (const [name, request] of Object.entries(REQUESTS)) {
    const stop = await counter.start();
    const seconds = Math.max(0.5, bench.seconds / 4);
    const measured = await closedLoop({ concurrency: 1, seconds, call: () => ask(request) });
    const { ms } = await stop();
    check(name, measured.returned.at(-1));
    figures[name] = { ...calls([measured]), database_ms: round(ms / measured.samples.length) };
  }
  return figures;
}

function check(name, answer) {
  if (name.startsWith('count') ? !(answer > 0) : answer.length !== 10) {
    throw new Error(`${name}: ${JSON.stringify(answer).slice(0, 200)}`);
  }
}

async function copies(client) {
  const { thread_id } = await client.post('/threads', {});
  for (let run = 0; run * PER_RUN < CHECKPOINTS; run += 1) {
    await client.post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'steps10', input: {} });
  }
  const history = async (id) =>
    (await client.post(`/threads/${id}/history`, { limit: CHECKPOINTS, select: ['next'] })).length;
  const samples = [];
  for (let index = 0; index < COPIES; index += 1) {
    const begin = performance.now();
    const copy = await client.post(`/threads/${thread_id}/copy`);
    samples.push(performance.now() - begin);
    if ((await history(copy.thread_id)) < CHECKPOINTS) {
      throw new Error('the copy is not complete');
    }
  }
  return spread(samples);
}

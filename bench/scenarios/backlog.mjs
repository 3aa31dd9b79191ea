import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { round } from '../lib/figures.mjs';
import { RUNS_PER_THREAD } from '../lib/inputs.mjs';

const THREADS = 200;
const SLOTS = 8;
/** Callers that create or read runs. */
const CALLERS = 32;
/** Events of finished runs stay in memory for half a minute. */
const SETTLE_MS = 31_000;
/** Maximum ratio of memory after and before the load. */
const MAX_MEMORY_RATIO = 1.2;

/**
 * A thousand runs, five on each of 200 threads, with eight slots. The load is repeated: after the first time, code is
 * compiled and the heap has its size, so growth during the second time is a leak.
 */
export async function backlog(bench) {
  const server = await bench.server({ env: { N_JOBS_PER_WORKER: String(SLOTS) }, probed: true });
  const at_start = await server.memory();
  const first_load = await load(server);
  await sleep(SETTLE_MS);
  const before = await server.memory();
  const peakOf = server.watchRss();
  const second_load = await load(server);
  const peak_rss_mb = peakOf();
  await sleep(SETTLE_MS);
  const settled = await server.memory();
  const floor = await floorOf(bench);
  const kept = {
    heap: round(settled.heap_used_after_gc_mb / before.heap_used_after_gc_mb, 3),
    rss: round(settled.rss_mb / before.rss_mb, 3),
  };
  return {
    threads: THREADS,
    runs: THREADS * RUNS_PER_THREAD,
    slots: SLOTS,
    first_load,
    second_load,
    floor,
    ratio: { throughput: round(second_load.runs_per_s / floor.runs_per_s, 3) },
    memory: {
      at_start,
      before_second_load: before,
      peak_rss_mb_in_second_load: peak_rss_mb,
      settled_after_second_load: settled,
      settled_to_before: kept,
      within_20_percent: kept.heap <= MAX_MEMORY_RATIO && kept.rss <= MAX_MEMORY_RATIO,
    },
  };
}

/** Creates the runs as fast as possible, waits for all of them, and checks the results. */
async function load({ client }) {
  const threads = Array.from({ length: THREADS }, () => randomUUID());
  const begin = performance.now();
  const ends = [];
  await forEach(threads, async (thread_id) => {
    let last;
    for (let turn = 0; turn < RUNS_PER_THREAD; turn += 1) {
      const body = { assistant_id: 'turns', input: { turn }, if_not_exists: 'create' };
      last = await client.post(`/threads/${thread_id}/runs`, body);
    }
    ends.push(client.get(`/threads/${thread_id}/runs/${last.run_id}/join`));
  });
  const created_ms = performance.now() - begin;
  const createdAt = Date.now();
  await Promise.all(ends);
  const total_ms = performance.now() - begin;
  const runs = [];
  await forEach(threads, async (thread_id) => runs.push(...(await checked(client, thread_id))));
  return {
    created_ms: round(created_ms, 0),
    unfinished_when_created: runs.filter(({ updated_at }) => Date.parse(updated_at) > createdAt).length,
    total_ms: round(total_ms, 0),
    runs_per_s: round((runs.length * 1000) / total_ms, 1),
  };
}

/** Checks the runs of a thread: they must have succeeded, in order, one at a time. */
async function checked(client, thread_id) {
  const { status, values } = await client.get(`/threads/${thread_id}`);
  const runs = await client.get(`/threads/${thread_id}/runs`);
  const inOrder = values.turns.every(
    ({ turn, began }, index, { [index - 1]: before }) => turn === index && began >= (before?.ended ?? 0),
  );
  const isComplete = values.turns.length === RUNS_PER_THREAD && runs.every((run) => run.status === 'success');
  if (status !== 'idle' || !inOrder || !isComplete) {
    throw new Error(`thread ${thread_id} is ${status}: ${JSON.stringify({ values, runs })}`);
  }
  return runs;
}

/** The same runs without a queue and a database. */
async function floorOf({ floor }) {
  await floor.measure('turns', { concurrency: SLOTS, seconds: 1 });
  const { samples, wall_ms } = await floor.measure('turns', { concurrency: SLOTS, seconds: 1 });
  return { runs_per_s: round((samples.length * RUNS_PER_THREAD * 1000) / wall_ms, 1) };
}

/** Limits concurrency. */
async function forEach(list, work) {
  const rest = [...list];
  const worker = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
      await work(one);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, worker));
}

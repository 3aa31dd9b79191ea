import { randomUUID } from 'node:crypto';
import { LONG_THREAD_RUNS } from '../lib/inputs.mjs';

const MAX_CHECKPOINTS = 1_000;

/** Ten supersteps on a new thread, each with its checkpoint; then reads of a thread with more than 200 checkpoints. */
export async function steps(bench) {
  const server = await bench.server();
  const { client } = server;
  const runOn = async (thread_id) => {
    const body = { assistant_id: 'steps10', input: {}, durability: 'async', if_not_exists: 'create' };
    const { step } = await client.post(`/threads/${thread_id}/runs/wait`, body);
    if (step !== 10) {
      throw new Error(`steps10 ended at step ${step}`);
    }
  };
  const call = () => runOn(randomUUID());
  await bench.warmUp({ call, operation: 'steps10' });
  const result = {};
  for (const concurrency of [1, 8]) {
    result[`run_c${concurrency}`] = await bench.compare(server, { call, operation: 'steps10', concurrency });
  }
  const thread_id = randomUUID();
  for (let run = 0; run < LONG_THREAD_RUNS; run += 1) {
    await runOn(thread_id);
  }
  return { ...result, ...(await reads(bench, server, thread_id)) };
}

async function reads(bench, server, thread_id) {
  const { client } = server;
  const { length } = await client.get(`/threads/${thread_id}/history?limit=${MAX_CHECKPOINTS}`);
  if (length < 200) {
    throw new Error(`the long thread has only ${length} checkpoints`);
  }
  const operations = {
    async state() {
      const { values } = await client.get(`/threads/${thread_id}/state`);
      if (values.turns !== LONG_THREAD_RUNS) {
        throw new Error(`the state is that of run ${values.turns}`);
      }
    },
    async history10() {
      const list = await client.get(`/threads/${thread_id}/history?limit=10`);
      if (list.length !== 10) {
        throw new Error(`${list.length} states instead of 10`);
      }
    },
  };
  const result = { long_thread_checkpoints: length };
  const seconds = bench.seconds / 2;
  for (const [operation, call] of Object.entries(operations)) {
    for (const concurrency of [1, 8]) {
      result[`${operation}_c${concurrency}`] = await bench.compare(server, { call, operation, concurrency, seconds });
    }
  }
  return result;
}

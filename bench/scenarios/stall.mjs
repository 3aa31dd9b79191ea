import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop } from '../lib/closed-loop.mjs';
import { BLOCK } from '../lib/inputs.mjs';
import { waitForEcho } from './wait.mjs';

/** Light runs, and reads, beside a graph that blocks its process half of the time. */
export async function stall(bench) {
  return { one_process: await inOneProcess(bench), api_apart_from_worker: await apart(bench) };
}

async function inOneProcess(bench) {
  const server = await bench.server();
  const load = { call: waitForEcho(server.client), operation: 'echo', concurrency: 4 };
  await bench.warmUp(load);
  const beside = { server: computeOn(server.client), floor: 'block' };
  return {
    alone: await bench.compare(server, { ...load, seconds: bench.seconds / 2 }),
    beside_computation: await bench.compare(server, { ...load, beside }),
  };
}

/** The worker must not affect the API process. */
async function apart(bench) {
  const server = await bench.serverApart();
  const { client } = server;
  const { thread_id } = await client.post('/threads', {});
  const load = { call: () => client.get(`/threads/${thread_id}`), concurrency: 1, seconds: bench.seconds / 2 };
  await closedLoop(load);
  return {
    get_thread_alone: await bench.figuresOf(server, load),
    get_thread_beside_computation: await bench.figuresOf(server, { ...load, beside: computeOn(client) }),
  };
}

const computeOn = (client) => async (isOver) => {
  while (!isOver()) {
    await client.post('/runs/wait', { assistant_id: 'block', input: { ms: BLOCK.busy_ms } });
    await sleep(BLOCK.pause_ms);
  }
};

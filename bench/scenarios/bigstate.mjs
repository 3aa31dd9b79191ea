import { randomUUID } from 'node:crypto';

const MIN_BYTES = 5_000_000;

/** Runs with a state of 5 MB, and reading it. */
export async function bigstate(bench) {
  const server = await bench.server();
  const { client } = server;
  const thread_id = randomUUID();
  const runOn = async (id) => {
    const body = { assistant_id: 'bigstate', input: {}, if_not_exists: 'create' };
    check(await client.post(`/threads/${id}/runs/wait`, body));
  };
  await runOn(thread_id);
  const run = { call: () => runOn(randomUUID()), operation: 'bigstate' };
  const read = {
    call: async () => check((await client.get(`/threads/${thread_id}/state`)).values),
    operation: 'bigstate_read',
  };
  await bench.warmUp({ ...run, concurrency: 1 });
  return {
    run_c1: await bench.compare(server, { ...run, concurrency: 1 }),
    state_c1: await bench.compare(server, { ...read, concurrency: 1, seconds: bench.seconds / 2 }),
  };
}

function check({ text }) {
  if (!(text?.length >= MIN_BYTES)) {
    throw new Error(`the state has ${text?.length} characters`);
  }
}

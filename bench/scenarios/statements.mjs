import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HELLO } from '../lib/inputs.mjs';
import { enableCounting, perUnit, StatementCounter } from '../lib/statements.mjs';

/** Sequential runs of each kind. */
const RUNS = 50;
/** Two polls of the queue, one sweep of the event log. */
const IDLE_MS = 10_500;
/** Until all writes of a finished run are done. */
const SETTLE_MS = 500;

/** Database round trips of a run, by kind. Those of an idle server are counted separately. */
export async function statements(bench) {
  const deployment = bench.newDeployment();
  await enableCounting(deployment.directory);
  await deployment.startServer();
  const counter = await StatementCounter.on(deployment.directory);
  try {
    return await countAll(deployment.client, counter);
  } finally {
    await counter.close();
  }
}

async function countAll(client, counter) {
  const kinds = kindsOf(client);
  for (const { run, prepare } of Object.values(kinds)) {
    await run(await prepare?.());
  }
  const count = async (work, settle_ms) => {
    const stop = await counter.start();
    await work();
    await sleep(settle_ms);
    return stop();
  };
  const idle = await count(() => undefined, IDLE_MS);
  const result = {
    runs_of_each_kind: RUNS,
    idle_per_second: perUnit(idle, idle.seconds, { ...idle, counts: new Map() }),
  };
  for (const [kind, { run, prepare }] of Object.entries(kinds)) {
    const prepared = [];
    for (let index = 0; index < RUNS; index += 1) {
      prepared.push(await prepare?.());
    }
    await sleep(SETTLE_MS);
    const all = async () => {
      for (const one of prepared) {
        await run(one);
      }
    };
    result[kind] = perUnit(await count(all, SETTLE_MS), RUNS, idle);
  }
  return result;
}

/** The counted part (`run`), and its uncounted preparation (`prepare`). */
function kindsOf(client) {
  const echo = { assistant_id: 'echo', input: HELLO };
  const newThread = async () => (await client.post('/threads', {})).thread_id;
  const wait = (assistant_id, input) => ({
    prepare: newThread,
    run: (thread_id) => client.post(`/threads/${thread_id}/runs/wait`, { assistant_id, input }),
  });
  const read = async (path, body) => (await client.send('POST', path, body)).text();
  return {
    stateless_wait: { run: () => client.post('/runs/wait', echo) },
    stateless_stream: { run: () => read('/runs/stream', { ...echo, stream_mode: 'messages-tuple' }) },
    stateless_create: { run: () => client.post('/runs', echo) },
    thread_wait_1_superstep: wait('echo', HELLO),
    thread_wait_10_supersteps: wait('steps10', {}),
    new_thread_wait_1_superstep: {
      run: () => client.post(`/threads/${randomUUID()}/runs/wait`, { ...echo, if_not_exists: 'create' }),
    },
    thread_stream_resumable_1_superstep: {
      prepare: newThread,
      run: (thread_id) => read(`/threads/${thread_id}/runs/stream`, { ...echo, stream_resumable: true }),
    },
  };
}

import { machineMs } from '../lib/clock.mjs';
import { named, round } from '../lib/figures.mjs';

/**
 * How soon a run starts in another process: an API process without slots, and a worker. The run is committed between
 * `insert`, by the database's clock in whole milliseconds, and `answer`, the response to POST /runs.
 */
export async function background(bench) {
  const server = await bench.serverApart();
  const call = startElsewhere(server.client);
  await bench.warmUp({ call, operation: 'clock', concurrency: 1 });
  const result = {};
  for (const concurrency of [1, 8]) {
    const common = { operation: 'clock', figures: named, ratio: addedTime };
    result[`c${concurrency}`] = await bench.compare(server, { ...common, call, concurrency });
  }
  return result;
}

const startElsewhere = (client) => async () => {
  const requested = machineMs();
  const { run_id, created_at } = await client.post('/runs', { assistant_id: 'clock', input: {} });
  const answered = machineMs();
  const { began, began_at } = await client.get(`/runs/${run_id}/join`);
  return {
    answer_to_start: began - answered,
    insert_to_start: began_at - Date.parse(created_at),
    request_to_start: began - requested,
    request_to_result: machineMs() - requested,
  };
};

const addedTime = (server, { to_start }) => ({
  added_p50_ms: round(server.request_to_start.p50_ms - to_start.p50_ms),
});

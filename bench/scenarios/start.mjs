import { Floor } from '../lib/floor.mjs';
import { median, round } from '../lib/figures.mjs';

const TIMES = 3;

/** From the command to the first response: without data, and again with existing data. */
export async function start(bench) {
  const [fresh, existing, floors] = [[], [], []];
  for (let time = 0; time < TIMES; time += 1) {
    const deployment = bench.newDeployment();
    fresh.push(await deployment.startServer());
    await deployment.stopProcesses();
    existing.push(await deployment.startServer());
    await deployment.remove();
    floors.push(await startOfFloor());
  }
  const [new_data_ms, existing_data_ms, floor_ms] = [fresh, existing, floors].map((all) => round(median(all), 0));
  return {
    server: { new_data_ms, existing_data_ms },
    floor: { graphs_loaded_ms: floor_ms },
    ratio: { new_data: round(new_data_ms / floor_ms), existing_data: round(existing_data_ms / floor_ms) },
  };
}

async function startOfFloor() {
  const floor = new Floor();
  const ms = await floor.start();
  await floor.stop();
  return ms;
}

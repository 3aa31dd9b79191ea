import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../lib/clock.mjs';
import { named } from '../lib/figures.mjs';

/** How soon the AbortSignal of a run is aborted by a cancel at the executing process and at another one. */
export async function cancel(bench) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-bench-cancel-'));
  try {
    const result = {};
    for (const [name, server] of [
      ['same_process', await bench.server()],
      ['other_process', await bench.serverApart()],
    ]) {
      const call = cancelRun(server.client, folder);
      await bench.figuresOf(server, { call, concurrency: 1, seconds: 1, figures: named });
      result[name] = await bench.figuresOf(server, { call, concurrency: 1, figures: named });
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const cancelRun = (client, folder) => async () => {
  const runs = `/threads/${randomUUID()}/runs`;
  const file = path.join(folder, randomUUID());
  const run = { assistant_id: 'patient', input: { file }, if_not_exists: 'create' };
  const { run_id } = await client.post(runs, run);
  while (!existsSync(`${file}.waits`)) {
    await sleep(1);
  }
  const asked = machineMs();
  await (await client.send('POST', `${runs}/${run_id}/cancel?wait=1`)).dump();
  const answered = machineMs();
  return { to_signal: Number(readFileSync(`${file}.told`, 'utf8')) - asked, to_answer: answered - asked };
};

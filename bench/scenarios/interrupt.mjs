import { randomUUID } from 'node:crypto';
import { named, round } from '../lib/figures.mjs';

/** A run that stops at an interrupt, and a run that resumes it. */
export async function interrupt(bench) {
  const server = await bench.server();
  const call = askAndAnswer(server.client);
  await bench.warmUp({ call, operation: 'interrupt' });
  const common = { operation: 'interrupt', figures: named, ratio: addedTime };
  return { c1: await bench.compare(server, { ...common, call, concurrency: 1 }) };
}

const askAndAnswer = (client) => async () => {
  const path = `/threads/${randomUUID()}/runs/wait`;
  const begin = performance.now();
  const { __interrupt__ } = await client.post(path, { assistant_id: 'interrupt', input: {}, if_not_exists: 'create' });
  const asked = performance.now();
  const { answer } = await client.post(path, { assistant_id: 'interrupt', command: { resume: 'yes' } });
  const answered = performance.now();
  if (__interrupt__?.length !== 1 || answer !== 'yes') {
    throw new Error(`interrupt ${JSON.stringify(__interrupt__)}, answer ${answer}`);
  }
  return { pause: asked - begin, resume: answered - asked };
};

const addedTime = (server, floor) => ({
  pause_added_p50_ms: round(server.pause.p50_ms - floor.pause.p50_ms),
  resume_added_p50_ms: round(server.resume.p50_ms - floor.resume.p50_ms),
});

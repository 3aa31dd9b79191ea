import { randomUUID } from 'node:crypto';
import { named, round } from '../lib/figures.mjs';

/** A run that stops with a question, and one that goes on with the answer. */
export async function interrupt(bench) {
  const server = await bench.server();
  const call = askAndAnswer(server.client);
  await bench.warmUp({ call, operation: 'question' });
  const common = { operation: 'question', figures: named, ratio: addedTime };
  return { c1: await bench.compare(server, { ...common, call, concurrency: 1 }) };
}

const askAndAnswer = (client) => async () => {
  const path = `/threads/${randomUUID()}/runs/wait`;
  const begin = performance.now();
  const { __interrupt__ } = await client.post(path, { assistant_id: 'question', input: {}, if_not_exists: 'create' });
  const asked = performance.now();
  const { answer } = await client.post(path, { assistant_id: 'question', command: { resume: 'yes' } });
  const answered = performance.now();
  if (__interrupt__?.length !== 1 || answer !== 'yes') {
    throw new Error(`question ${JSON.stringify(__interrupt__)}, answer ${answer}`);
  }
  return { pause: asked - begin, resume: answered - asked };
};

const addedTime = (server, floor) => ({
  pause_added_p50_ms: round(server.pause.p50_ms - floor.pause.p50_ms),
  resume_added_p50_ms: round(server.resume.p50_ms - floor.resume.p50_ms),
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenarios } from '../scene.js';

/** Milliseconds within which a server cancels a run whose client cannot reconnect, with a margin. */
const CANCELLED_MS = 3_000;
/** Milliseconds after which a client of a resumable stream reconnects. */
const BACK_MS = 500;

/** Contract 1.3: clients that disconnect from runs with `on_disconnect: "cancel"`. */
export const disconnects: Scenarios = {
  'of a resumable stream, for a moment': async ({ client, newThread, newGate, tell }) => {
    const [thread_id, gate, leaving] = [await newThread(), newGate(), new AbortController()];
    let run_id = '';
    const stream = client.runs.stream(thread_id, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamResumable: true,
      onDisconnect: 'cancel',
      onRunCreated: (run) => (run_id = run.run_id),
      signal: leaving.signal,
    });
    const left = readToEnd(stream);
    await gate.reached();
    leaving.abort();
    await left;
    await sleep(BACK_MS);
    const end = client.runs.join(thread_id, run_id);
    gate.open();
    await end;
    tell('status', (await client.runs.get(thread_id, run_id)).status);
  },

  'of a stateless stream': async ({ client, newGate, mark, receiver, tell }) => {
    const [gate, leaving] = [newGate(), new AbortController()];
    const stream = client.runs.stream(null, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      onDisconnect: 'cancel',
      webhook: `${receiver.url}/${mark}/left`,
      signal: leaving.signal,
    });
    const left = readToEnd(stream);
    await gate.reached();
    leaving.abort();
    await left;
    await sleep(CANCELLED_MS);
    gate.open();
    const [{ payload }] = await receiver.until(({ path }) => path === `/${mark}/left`);
    tell('status', payload.status);
  },
};

/** Reads until the stream ends or its client disconnects. */
async function readToEnd(stream: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of stream) {
      // Only the end of the stream matters.
    }
  } catch (error) {
    if ((error as Error).name !== 'AbortError') {
      throw error;
    }
  }
}

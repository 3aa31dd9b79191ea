import { calls, callRatio } from '../lib/figures.mjs';
import { HELLO } from '../lib/inputs.mjs';

/**
 * Stateless runs with `wait`. The floor has a MemorySaver, as in all scenarios. A stateless run keeps no checkpoints, so
 * the cost of LangGraph without a checkpointer is reported, too.
 */
export async function wait(bench) {
  const server = await bench.server();
  const call = waitForEcho(server.client);
  await bench.warmUp({ call, operation: 'echo' });
  const result = {};
  for (const concurrency of [1, 8, 32, 128]) {
    const figures = await bench.compare(server, { call, operation: 'echo', concurrency });
    const bare = calls([
      await bench.floor.measure('echo_without_checkpointer', { concurrency, seconds: Math.min(1, bench.seconds) }),
    ]);
    result[`c${concurrency}`] = {
      ...figures,
      floor_without_checkpointer: bare,
      ratio_without_checkpointer: callRatio(figures.server, bare),
    };
  }
  return result;
}

/** One stateless run of `echo`. */
export const waitForEcho = (client) => async () => {
  const { messages } = await client.post('/runs/wait', { assistant_id: 'echo', input: HELLO });
  if (messages.at(-1).content !== 'hello') {
    throw new Error(`unexpected answer ${JSON.stringify(messages)}`);
  }
};

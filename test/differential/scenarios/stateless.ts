import type { Scenarios } from '../scene.js';

/** Behaviours 4: stateless runs. */
export const stateless: Scenarios = {
  wait: async ({ step }) => {
    await step('a run', (client) => client.runs.wait(null, 'steps', { input: { topic: 'a' } }));
    await step('a run that fails', (client) => client.runs.wait(null, 'failing', { input: { started: false } }));
    await step('without raising', (client) =>
      client.runs.wait(null, 'failing', { input: { started: false }, raiseError: false }),
    );
    await step('a run that asks', (client) => client.runs.wait(null, 'ask', { input: { topic: 'a' } }));
    await step('no assistant', (client) => client.runs.wait(null, 'nobody', { input: {} }));
  },

  stream: async ({ step }) => {
    await step('a run', (client) =>
      client.runs.stream(null, 'steps', { input: { topic: 'a' }, streamMode: ['values', 'updates', 'custom'] }),
    );
    await step('debug', (client) => client.runs.stream(null, 'steps', { input: { topic: 'a' }, streamMode: 'debug' }));
    await step('a run that fails', (client) => client.runs.stream(null, 'failing', { input: { started: false } }));
    await step('subgraphs', (client) =>
      client.runs.stream(null, 'nested', { input: { path: [] }, streamMode: 'updates', streamSubgraphs: true }),
    );
    await step('no assistant', (client) => client.runs.stream(null, 'nobody', { input: {} }));
  },

  'in the background': async ({ newGate, step }) => {
    const gate = newGate();
    const { run_id } = await step('create', (client) =>
      client.runs.create(null, 'waiting', { input: { gate: gate.path, label: 'a' }, streamMode: 'updates' }),
    );
    gate.open();
    await step('join its stream', (client) => client.runs.joinStream(null, run_id));
  },

  'that keep their thread': async ({ client, step }) => {
    const run = await step('create', (client) =>
      client.runs.create(null, 'steps', { input: { topic: 'a' }, onCompletion: 'keep' as never, metadata: { n: 1 } }),
    );
    await client.runs.join(run.thread_id, run.run_id);
    await step('the thread', (client) => client.threads.get(run.thread_id));
    await step('its state', (client) => client.threads.getState(run.thread_id));
  },

  'that do not': async ({ client, newGate, step }) => {
    const gate = newGate();
    const run = await client.runs.create(null, 'waiting', { input: { gate: gate.path, label: 'a' } });
    await gate.reached();
    await step('the thread meanwhile', (client) => client.threads.get(run.thread_id));
    gate.open();
    for await (const _ of client.runs.joinStream(null, run.run_id)) {
      // Until the end of the run.
    }
    await step('the thread', (client) => client.threads.get(run.thread_id));
    await step('the run', (client) => client.runs.get(run.thread_id, run.run_id));
  },

  'several at once': async ({ step }) => {
    await step('create', (client) =>
      client.runs.createBatch([
        { assistantId: 'steps', input: { topic: 'a' }, metadata: { n: 1 } },
        { assistantId: 'echo', input: { messages: [] } },
      ]),
    );
    await step('none', (client) => client.runs.createBatch([]));
  },

  'several in wire format': async ({ raw }) => {
    await raw('create', '/runs/batch', {
      json: [
        { assistant_id: 'steps', input: { topic: 'a' }, stream_mode: ['updates'], after_seconds: 3600 },
        { assistant_id: 'steps', input: { topic: 'b' }, on_completion: 'keep', after_seconds: 3600 },
      ],
    });
    await raw('one without an assistant', '/runs/batch', {
      json: [
        { assistant_id: 'nobody', input: {} },
        { assistant_id: 'steps', input: {}, after_seconds: 3600 },
      ],
    });
  },

  'with a webhook': async ({ client, receiver, mark, tell }) => {
    await client.runs.wait(null, 'steps', { input: { topic: 'a' }, webhook: `${receiver.url}/${mark}/stateless` });
    const [{ payload }] = await receiver.until(({ path }) => path === `/${mark}/stateless`);
    tell('payload', payload);
  },
};

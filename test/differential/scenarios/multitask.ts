import type { Scenarios } from '../scene.js';

/** Behaviours 4: several runs on one thread. */
export const multitask: Scenarios = {
  'without a strategy': async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { gate, run_id } = await startWaiting(thread_id);
    const second = await step('a second run', (client) =>
      client.runs.create(thread_id, 'waiting', { input: { gate: '', label: 'b' } }),
    );
    gate.open();
    await client.runs.join(thread_id, second?.run_id ?? run_id);
    await step('state', (client) => client.threads.getState(thread_id));
  },

  reject: async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { gate, run_id } = await startWaiting(thread_id);
    const options = { input: { gate: '', label: 'b' }, multitaskStrategy: 'reject' as const };
    await step('create', (client) => client.runs.create(thread_id, 'waiting', options));
    await step('wait', (client) => client.runs.wait(thread_id, 'waiting', options));
    await step('stream', (client) => client.runs.stream(thread_id, 'waiting', options));
    gate.open();
    await client.runs.join(thread_id, run_id);
    await step('runs', (client) => client.runs.list(thread_id));
    await step('when it has ended', (client) => client.runs.wait(thread_id, 'waiting', options));
  },

  enqueue: async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { gate, run_id } = await startWaiting(thread_id);
    const ids = [run_id];
    for (const label of ['b', 'c']) {
      const run = await step(`create ${label}`, (client) =>
        client.runs.create(thread_id, 'waiting', { input: { gate: '', label }, multitaskStrategy: 'enqueue' }),
      );
      ids.push(run.run_id);
    }
    await step('while it waits', (client) => client.runs.get(thread_id, ids[1]));
    gate.open();
    for (const id of ids) {
      await client.runs.join(thread_id, id);
    }
    await step('state', (client) => client.threads.getState(thread_id));
    for (const [i, id] of ids.entries()) {
      await step(`run ${i}`, (client) => client.runs.get(thread_id, id));
    }
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  interrupt: async ({ newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { run_id } = await startWaiting(thread_id);
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' }, multitaskStrategy: 'interrupt' }),
    );
    await step('the first', (client) => client.runs.get(thread_id, run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'interrupt one that is to come': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    const first = await client.runs.create(thread_id, 'waiting', {
      input: { gate: '', label: 'a' },
      afterSeconds: 3600,
    });
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' }, multitaskStrategy: 'interrupt' }),
    );
    await step('the first', (client) => client.runs.get(thread_id, first.run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'roll back': async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'first' } });
    const { run_id } = await startWaiting(thread_id);
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' }, multitaskStrategy: 'rollback' }),
    );
    await step('the one rolled back', (client) => client.runs.get(thread_id, run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'roll back one that is to come': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    const first = await client.runs.create(thread_id, 'waiting', {
      input: { gate: '', label: 'a' },
      afterSeconds: 3600,
    });
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' }, multitaskStrategy: 'rollback' }),
    );
    await step('the one rolled back', (client) => client.runs.get(thread_id, first.run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },
};

import { randomUUID } from 'node:crypto';
import type { Scenarios } from '../scene.js';

/** Behaviours 3: threads, without their state. */
export const threads: Scenarios = {
  'a new one': async ({ step }) => {
    const { thread_id } = await step('with nothing', (client) => client.threads.create());
    await step('read', (client) => client.threads.get(thread_id));
    await step('with everything', (client) =>
      client.threads.create({ threadId: randomUUID(), graphId: 'steps', metadata: { owner: 'ann', nested: { a: 1 } } }),
    );
    await step('with a time to live', (client) => client.threads.create({ ttl: 60 }));
    await step('with a time to live and a strategy', (client) =>
      client.threads.create({ ttl: { ttl: 60, strategy: 'keep_latest' as 'delete' } }),
    );
  },

  'an existing one': async ({ step }) => {
    const threadId = randomUUID();
    await step('create', (client) => client.threads.create({ threadId, metadata: { n: 1 } }));
    await step('again', (client) => client.threads.create({ threadId, metadata: { n: 2 } }));
    await step('raise', (client) => client.threads.create({ threadId, ifExists: 'raise' }));
    await step('do nothing', (client) =>
      client.threads.create({ threadId, metadata: { n: 2 }, ifExists: 'do_nothing' }),
    );
  },

  update: async ({ newThread, step }) => {
    const thread_id = await newThread({ a: 1, nested: { x: 1 } });
    await step('metadata', (client) => client.threads.update(thread_id, { metadata: { b: 2, nested: { y: 1 } } }));
    await step('time to live', (client) => client.threads.update(thread_id, { metadata: {}, ttl: 30 }));
    await step('without an answer', (client) =>
      client.threads.update(thread_id, { metadata: { c: 3 }, returnMinimal: true }),
    );
    await step('read', (client) => client.threads.get(thread_id));
    await step('with its time to live', (client) => client.threads.get(thread_id, { include: ['ttl'] }));
  },

  'search and count': async ({ client, step, mark, tell }) => {
    const ids: string[] = [];
    for (const [name, graph] of [
      ['one', 'steps'],
      ['two', 'ask'],
      ['three', 'failing'],
    ]) {
      const { thread_id } = await client.threads.create({ metadata: { mark, name, list: [1, 2] } });
      ids.push(thread_id);
      await client.runs.wait(thread_id, graph, { input: { topic: graph, started: false }, raiseError: false });
      tell(name, await client.threads.search({ ids: [thread_id], select: ['thread_id', 'metadata'] }));
    }
    ids.push((await step('one without a run', (client) => client.threads.create({ metadata: { mark } }))).thread_id);
    await client.threads.update(ids[0], { metadata: { touched: true } });
    const metadata = { mark };
    await step('all', (client) => client.threads.search({ metadata, sortBy: 'created_at' }));
    const names = { metadata, select: ['metadata' as const], sortBy: 'created_at' as const };
    await step('without a requested order', (client) =>
      client.threads.search({ metadata, select: ['metadata'], ids: ids.slice(0, 3) }),
    );
    for (const sortBy of ['created_at', 'updated_at', 'status'] as const) {
      for (const sortOrder of ['asc', 'desc'] as const) {
        const query = { ...names, ids: ids.slice(0, 3), sortBy, sortOrder };
        await step(`by ${sortBy} ${sortOrder}`, (client) => client.threads.search(query));
      }
    }
    await step('by state_updated_at', (client) =>
      client.threads.search({ ...names, sortBy: 'state_updated_at' as 'updated_at', sortOrder: 'asc' }),
    );
    await step('by metadata', (client) => client.threads.search({ metadata: { mark, name: 'two' } }));
    await step('by the end of a list', (client) => client.threads.search({ ...names, metadata: { mark, list: [2] } }));
    await step('by ids', (client) => client.threads.search({ ...names, ids: [ids[2], ids[0]] }));
    await step('by one status', (client) => client.threads.search({ ...names, status: 'interrupted' }));
    await step('by values', (client) => client.threads.search({ ...names, values: { topic: 'steps' } }));
    await step('a page', (client) => client.threads.search({ ...names, limit: 2 }));
    await step('the next page', (client) => client.threads.search({ ...names, limit: 2, offset: 2 }));
    await step('a full page', (client) => client.threads.search({ ...names, limit: 3 }));
    await step('some fields', (client) =>
      client.threads.search({ metadata, select: ['thread_id', 'status', 'values'], sortBy: 'created_at' }),
    );
    await step('with extracted values', (client) =>
      client.threads.search({ ...names, sortBy: 'created_at', extract: { topic: 'values.topic' } }),
    );
    await step('count', (client) => client.threads.count({ metadata }));
    await step('count by status', (client) => client.threads.count({ metadata, status: 'idle' }));
    await step('count by values', (client) => client.threads.count({ metadata, values: { topic: 'ask' } }));
    await step('nothing found', (client) => client.threads.search({ metadata: { mark, name: 'four' } }));
    await step('by an unknown field', (client) => client.threads.search({ metadata, sortBy: 'color' as 'status' }));
    await step('an unknown field selected', (client) =>
      client.threads.search({ metadata, select: ['color' as 'status'] }),
    );
  },

  'sorted by id': async ({ client, step, mark, tell }) => {
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => (await client.threads.create({ metadata: { mark } })).thread_id),
    );
    for (const sortOrder of ['asc', 'desc'] as const) {
      const found = await step(sortOrder, (client) =>
        client.threads.search({ metadata: { mark }, sortBy: 'thread_id', sortOrder, select: ['thread_id'] }),
      );
      const sorted = sortOrder === 'asc' ? ids.sort() : ids.sort().reverse();
      tell(
        `${sortOrder} is right`,
        found.every(({ thread_id }, i) => thread_id === sorted[i]),
      );
    }
  },

  copies: async ({ client, step }) => {
    const { thread_id } = await client.threads.create({ metadata: { name: 'original' } });
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    const copy = await step('copy', (client) => client.threads.copy(thread_id));
    const copied = (copy as unknown as { thread_id: string }).thread_id;
    await step('read', (client) => client.threads.get(copied));
    await step('its state', (client) => client.threads.getState(copied));
    await step('its history', (client) => client.threads.getHistory(copied));
    await step('its runs', (client) => client.runs.list(copied));
    await client.threads.updateState(copied, { values: { topic: 'b' } });
    await step('the original state', (client) => client.threads.getState(thread_id));
    await step('a run on the copy', (client) => client.runs.wait(copied, 'steps', { input: { topic: 'c' } }));
  },

  'an interrupted copy': async ({ client, step }) => {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, 'ask', { input: { topic: 'parrots' } });
    const copy = (await step('copy', (client) => client.threads.copy(thread_id))) as unknown as { thread_id: string };
    await step('read', (client) => client.threads.get(copy.thread_id));
    await step('answered', (client) => client.runs.wait(copy.thread_id, 'ask', { command: { resume: 'yes' } }));
    await step('the original', (client) => client.threads.get(thread_id));
  },

  deletion: async ({ client, step }) => {
    const { thread_id } = await client.threads.create();
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: { topic: 'a' } });
    await client.runs.join(thread_id, run_id);
    await step('delete', (client) => client.threads.delete(thread_id));
    await step('again', (client) => client.threads.delete(thread_id));
    await step('read', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
    await step('update', (client) => client.threads.update(thread_id, { metadata: { a: 1 } }));
    await step('update of its state', (client) => client.threads.updateState(thread_id, { values: { topic: 'b' } }));
    await step('copy', (client) => client.threads.copy(thread_id));
    await step('runs', (client) => client.runs.list(thread_id));
    await step('its run', (client) => client.runs.get(thread_id, run_id));
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id));
    await step('join', (client) => client.runs.join(thread_id, run_id));
    await step('a run', (client) => client.runs.create(thread_id, 'steps', { input: {} }));
  },

  prune: async ({ client, step }) => {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('all but the latest', (client) =>
      client.threads.prune([thread_id], { strategy: 'keep_latest' as 'delete' }),
    );
    await step('history', (client) => client.threads.getHistory(thread_id));
  },

  status: async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { gate, run_id } = await startWaiting(thread_id);
    await step('while a run is executed', (client) => client.threads.get(thread_id));
    gate.open();
    await client.runs.join(thread_id, run_id);
    await step('after it', (client) => client.threads.get(thread_id));
    const failing = await newThread();
    await step('a run that fails', (client) => client.runs.wait(failing, 'failing', { input: { started: false } }));
    await step('after an error', (client) => client.threads.get(failing));
    await step('its state', (client) => client.threads.getState(failing));
    const delayed = await newThread();
    await client.runs.create(delayed, 'steps', { input: {}, afterSeconds: 3600 });
    await step('while a run is to come', (client) => client.threads.get(delayed));
  },
};

import { randomUUID } from 'node:crypto';
import { askUntil } from '../../support/until.js';
import type { Scenarios } from '../scene.js';

/** Behaviours 4 and 5: runs on threads. */
export const runs: Scenarios = {
  'in the background': async ({ newThread, step }) => {
    const thread_id = await newThread();
    const { run_id } = await step('create', (client) =>
      client.runs.create(thread_id, 'steps', { input: { topic: 'a' } }),
    );
    await step('join', (client) => client.runs.join(thread_id, run_id));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('join again', (client) => client.runs.join(thread_id, run_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'with all stored fields': async ({ newThread, step }) => {
    const thread_id = await newThread({ mood: 'calm' });
    const created = await step('create', (client) =>
      client.runs.create(thread_id, 'settings', {
        input: { tags: [] },
        metadata: { purpose: 'test' },
        config: { tags: ['loud'], recursion_limit: 9, configurable: { model: 'small' } },
        context: { language: 'de' },
        streamMode: ['updates', 'custom'],
        streamSubgraphs: true,
        streamResumable: true,
        interruptBefore: ['read'],
        interruptAfter: '*',
        multitaskStrategy: 'enqueue',
        afterSeconds: 3600,
      }),
    );
    await step('read', (client) => client.runs.get(thread_id, created.run_id));
  },

  wait: async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('a run', (client) => client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } }));
    await step('another one', (client) => client.runs.wait(thread_id, 'steps', { input: { topic: 'b' } }));
    await step('without input', (client) => client.runs.wait(thread_id, 'steps', { input: null }));
    await step('by graph and id', async (client) => {
      const [{ assistant_id }] = await client.assistants.search({
        graphId: 'steps',
        metadata: { created_by: 'system' },
      });
      return client.runs.wait(thread_id, assistant_id, { input: { topic: 'c' } });
    });
  },

  'of an unknown assistant or thread': async ({ newThread, step }) => {
    const thread_id = await newThread();
    const input = { topic: 'a' };
    await step('no assistant', (client) => client.runs.create(thread_id, 'nobody', { input }));
    await step('no assistant to wait for', (client) => client.runs.wait(thread_id, randomUUID(), { input }));
    await step('no assistant to stream', (client) => client.runs.stream(thread_id, 'nobody', { input }));
    await step('no thread', (client) => client.runs.create(randomUUID(), 'steps', { input }));
    await step('no thread to wait for', (client) => client.runs.wait(randomUUID(), 'steps', { input }));
    await step('no thread to stream', (client) => client.runs.stream(randomUUID(), 'steps', { input }));
    await step('no thread, enqueued', (client) =>
      client.runs.create(randomUUID(), 'steps', { input, multitaskStrategy: 'enqueue' }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'that create their thread': async ({ step }) => {
    const thread_id = randomUUID();
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'steps', {
        input: { topic: 'a' },
        ifNotExists: 'create',
        metadata: { purpose: 'test' },
        config: { configurable: { model: 'small' } },
      }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('again', (client) =>
      client.runs.wait(thread_id, 'steps', { input: { topic: 'b' }, ifNotExists: 'create' }),
    );
  },

  'that fail': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) => client.runs.wait(thread_id, 'failing', { input: { started: false } }));
    await step('without raising', (client) =>
      client.runs.wait(thread_id, 'failing', { input: { started: false }, raiseError: false }),
    );
    await step('stream', (client) => client.runs.stream(thread_id, 'failing', { input: { started: false } }));
    const { run_id } = await client.runs.create(thread_id, 'failing', { input: { started: false } });
    await step('join', (client) => client.runs.join(thread_id, run_id));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('join again', (client) => client.runs.join(thread_id, run_id));
    await step('a run that does not', (client) => client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } }));
    await step('the thread after it', (client) => client.threads.get(thread_id));
  },

  'with a limit of steps': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('enough', (client) =>
      client.runs.wait(thread_id, 'looping', { input: { count: 0, limit: 4 }, config: { recursion_limit: 5 } }),
    );
    await step('not enough', (client) =>
      client.runs.wait(thread_id, 'looping', { input: { count: 0, limit: 9 }, config: { recursion_limit: 5 } }),
    );
    await step('none given', (client) => client.runs.wait(thread_id, 'looping', { input: { count: 0, limit: 30 } }));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  listed: async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    for (const [graph, topic] of [
      ['steps', 'a'],
      ['failing', 'b'],
      ['steps', 'c'],
    ]) {
      await client.runs.wait(thread_id, graph, {
        input: { topic, started: false },
        metadata: { topic },
        raiseError: false,
      });
    }
    await step('all', (client) => client.runs.list(thread_id));
    await step('a page', (client) => client.runs.list(thread_id, { limit: 2 }));
    await step('the next page', (client) => client.runs.list(thread_id, { limit: 2, offset: 2 }));
    await step('by status', (client) => client.runs.list(thread_id, { status: 'error' }));
    await step('some fields', (client) => client.runs.list(thread_id, { select: ['status', 'metadata'] }));
    await step('of an empty thread', async (client) => client.runs.list(await newThread()));
  },

  'that are missing': async ({ newThread, step }) => {
    const thread_id = await newThread();
    const run_id = randomUUID();
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('join', (client) => client.runs.join(thread_id, run_id));
    await step('join its stream', (client) => client.runs.joinStream(thread_id, run_id));
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id));
    await step('delete', (client) => client.runs.delete(thread_id, run_id));
  },

  'of another thread': async ({ client, newThread, step }) => {
    const [mine, other] = [await newThread(), await newThread()];
    const { run_id } = await client.runs.create(mine, 'steps', { input: { topic: 'a' } });
    await client.runs.join(mine, run_id);
    await step('read', (client) => client.runs.get(other, run_id));
    await step('join', (client) => client.runs.join(other, run_id));
    await step('cancel', (client) => client.runs.cancel(other, run_id));
    await step('delete', (client) => client.runs.delete(other, run_id));
  },

  deleted: async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: { topic: 'b' } });
    await client.runs.join(thread_id, run_id);
    await step('delete', (client) => client.runs.delete(thread_id, run_id));
    await step('again', (client) => client.runs.delete(thread_id, run_id));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  delayed: async ({ client, newThread, step, tell }) => {
    const thread_id = await newThread();
    const before = Date.now();
    const run = await step('create', (client) =>
      client.runs.create(thread_id, 'steps', { input: { topic: 'a' }, afterSeconds: 3600 }),
    );
    tell('is dated in the future', Date.parse(run.created_at) - before > 3_500_000);
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('a run meanwhile', (client) =>
      client.runs.create(thread_id, 'steps', { input: { topic: 'b' }, multitaskStrategy: 'reject' }),
    );
    await step('cancel', (client) => client.runs.cancel(thread_id, run.run_id));
    await step('read', (client) => client.runs.get(thread_id, run.run_id));
    const soon = await client.runs.create(thread_id, 'steps', { input: { topic: 'c' }, afterSeconds: 0.2 });
    await step('join one that comes soon', (client) => client.runs.join(thread_id, soon.run_id));
  },

  cancelled: async ({ newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { run_id } = await startWaiting(thread_id);
    await step('cancel and wait', (client) => client.runs.cancel(thread_id, run_id, true));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('join', (client) => client.runs.join(thread_id, run_id));
    await step('again', (client) => client.runs.cancel(thread_id, run_id, true));
    await step('a run after it', (client) =>
      client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'b' } }),
    );
    await step('the thread after it', (client) => client.threads.get(thread_id));
  },

  'cancelled while a client waits': async ({ client, newThread, newGate, step }) => {
    const thread_id = await newThread();
    const gate = newGate();
    const input = { gate: gate.path, label: 'a' };
    const waiting = step('wait', (client) => client.runs.wait(thread_id, 'waiting', { input }));
    await gate.reached();
    const [{ run_id }] = await client.runs.list(thread_id);
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id));
    await waiting;
  },

  'cancelled while a client streams': async ({ client, newThread, newGate, step }) => {
    const thread_id = await newThread();
    const gate = newGate();
    const input = { gate: gate.path, label: 'a' };
    const streaming = step('stream', (client) => client.runs.stream(thread_id, 'waiting', { input }));
    await gate.reached();
    const [{ run_id }] = await client.runs.list(thread_id);
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id, true));
    await streaming;
    await step('read', (client) => client.runs.get(thread_id, run_id));
  },

  'cancelled before they begin': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: { topic: 'a' }, afterSeconds: 3600 });
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id, true));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('the thread', (client) => client.threads.get(thread_id));
    const second = await client.runs.create(thread_id, 'steps', { input: { topic: 'b' }, afterSeconds: 3600 });
    await step('roll back', (client) => client.runs.cancel(thread_id, second.run_id, false, 'rollback'));
    await step('read the one rolled back', (client) => client.runs.get(thread_id, second.run_id));
    await step('the thread after it', (client) => client.threads.get(thread_id));
  },

  'rolled back': async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'waiting', { input: { gate: '', label: 'first' } });
    const { run_id } = await startWaiting(thread_id);
    await step('roll back', (client) => client.runs.cancel(thread_id, run_id, true, 'rollback'));
    await step('read', (client) => client.runs.get(thread_id, run_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'cancelled together': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: { topic: 'a' }, afterSeconds: 3600 });
    await step('cancel', (client) => client.runs.cancelMany({ threadId: thread_id, runIds: [run_id] }));
  },

  'cancelled after their end': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    const { run_id } = await client.runs.create(thread_id, 'steps', { input: { topic: 'a' } });
    await client.runs.join(thread_id, run_id);
    await step('cancel', (client) => client.runs.cancel(thread_id, run_id));
    await step('cancel and wait', (client) => client.runs.cancel(thread_id, run_id, true));
    await step('roll back', (client) => client.runs.cancel(thread_id, run_id, true, 'rollback'));
    await step('read', (client) => client.runs.get(thread_id, run_id));
  },

  'whose client disconnects': async ({ client, newThread, newGate, step, tell }) => {
    for (const onDisconnect of ['cancel', 'continue'] as const) {
      const thread_id = await newThread();
      const gate = newGate();
      const leaving = new AbortController();
      const stream = client.runs.stream(thread_id, 'waiting', {
        input: { gate: gate.path, label: 'a' },
        onDisconnect,
        signal: leaving.signal,
      });
      const reading = (async () => {
        for await (const _ of stream) {
          // Until the client disconnects.
        }
      })().catch(() => undefined);
      await gate.reached();
      leaving.abort();
      await reading;
      const [{ run_id }] = await client.runs.list(thread_id);
      if (onDisconnect === 'continue') {
        gate.open();
      }
      const run = await askUntil(
        () => client.runs.get(thread_id, run_id),
        ({ status }) => status !== 'running',
      );
      tell(onDisconnect, run.status);
      await step(`the thread, ${onDisconnect}`, (client) => client.threads.get(thread_id));
    }
  },

  'with a webhook': async ({ client, newThread, receiver, mark, step, tell }) => {
    const thread_id = await newThread();
    const told = async (path: string): Promise<void> => {
      const [request] = await receiver.until((one) => one.path === `/${mark}${path}`);
      tell(`of ${path}`, { method: request.method, type: request.headers['content-type'], payload: request.payload });
    };
    await step('a run', (client) =>
      client.runs.wait(thread_id, 'steps', { input: { topic: 'a' }, webhook: `${receiver.url}/${mark}/success` }),
    );
    await told('/success');
    await step('a run that fails', (client) =>
      client.runs.wait(thread_id, 'failing', {
        input: { started: false },
        webhook: `${receiver.url}/${mark}/failure`,
        raiseError: false,
      }),
    );
    await told('/failure');
    await client.runs.wait(await newThread(), 'ask', {
      input: { topic: 'a' },
      webhook: `${receiver.url}/${mark}/question`,
    });
    await told('/question');
  },

  'with links for feedback': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('stream', (client) =>
      client.runs.stream(thread_id, 'steps', { input: { topic: 'a' }, feedbackKeys: ['thumbs', 'stars'] }),
    );
  },
};

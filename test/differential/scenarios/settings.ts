import type { Scenarios } from '../scene.js';

/** Behaviours 6: the settings that a graph receives. */
export const settings: Scenarios = {
  'of a plain run': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) => client.runs.wait(thread_id, 'settings', { input: { tags: [] } }));
  },

  'of assistant, thread and run': async ({ client, newThread, step }) => {
    const { assistant_id } = await client.assistants.create({
      graphId: 'settings',
      metadata: { from: 'assistant', assistant: true },
      config: { tags: ['assistant'], recursion_limit: 11, configurable: { who: 'assistant', assistant: true } },
      context: { speaker: 'assistant', place: 'assistant', nested: { a: 1 } },
    });
    const thread_id = await newThread({ from: 'thread', thread: true });
    await step('first', (client) =>
      client.runs.wait(thread_id, assistant_id, {
        input: { tags: [] },
        metadata: { from: 'run', run: true },
        config: { configurable: { who: 'run', run: true }, metadata: { from: 'config' } } as never,
        context: { speaker: 'run', nested: { b: 2 } },
      }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('second', (client) => client.runs.wait(thread_id, assistant_id, { input: { tags: [] } }));
    await step('tags and limit of the run', (client) =>
      client.runs.wait(thread_id, assistant_id, {
        input: { tags: [] },
        config: { tags: ['run'], recursion_limit: 12 },
      }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
  },

  'given twice': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'settings', {
        input: { tags: [] },
        config: { configurable: { who: 'configurable' } },
        context: { who: 'context' },
      }),
    );
  },

  'with headers': async ({ newThread, step, raw }) => {
    const thread_id = await newThread();
    await raw('wait', `/threads/${thread_id}/runs/wait`, {
      json: { assistant_id: 'settings', input: { tags: [] }, config: { configurable: { 'x-color': 'body' } } },
      headers: { 'x-color': 'header', 'x-api-key': 'secret', authorization: 'Bearer secret', 'user-agent': 'tester' },
    });
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'that only the server may give': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'settings', {
        input: { tags: [] },
        metadata: { graph_id: 'other', run_attempt: 9 },
        config: {
          configurable: {
            run_id: 'mine',
            thread_id: 'mine',
            graph_id: 'mine',
            assistant_id: 'mine',
            user_id: 'ann',
            langgraph_auth_user_id: 'root',
            langgraph_auth_user: { identity: 'root' },
          },
        },
      }),
    );
  },

  'that are no object': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('context', (client) =>
      client.runs.wait(thread_id, 'settings', { input: { tags: [] }, context: 'text', raiseError: false }),
    );
  },

  'with a tracer': async ({ newThread, raw }) => {
    const thread_id = await newThread();
    await raw('wait', `/threads/${thread_id}/runs/wait`, {
      json: {
        assistant_id: 'settings',
        input: { tags: [] },
        langsmith_tracer: { project_name: 'parrots' },
      },
    });
  },

  'defaults of a schema': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) => client.runs.wait(thread_id, 'zod', { input: { topic: 'two words' } }));
    await step('input that does not fit', (client) =>
      client.runs.wait(thread_id, 'zod', { input: { topic: 7 }, raiseError: false }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
  },

  'the store': async ({ newThread, mark, step }) => {
    const thread_id = await newThread();
    await step('wait', (client) =>
      client.runs.wait(thread_id, 'memory', { input: { namespace: mark, fact: 'likes parrots' } }),
    );
    await step('what a client finds', (client) => client.store.searchItems([mark]));
  },
};

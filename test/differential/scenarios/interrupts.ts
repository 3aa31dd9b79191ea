import type { Scenarios } from '../scene.js';

interface Result {
  __interrupt__: { value: unknown }[];
}

/** Sorted, because ids are numbered in order of appearance: another order of interrupts would change all later ids. */
const withoutIds = (result: unknown): unknown => {
  const { __interrupt__: pending, ...values } = result as Result;
  return { ...values, __interrupt__: pending.map(({ value }) => value) };
};

/** Behaviours 4: interrupts, commands, and breakpoints before and after nodes. */
export const interrupts: Scenarios = {
  'an interrupt': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('asked', (client) => client.runs.wait(thread_id, 'ask', { input: { topic: 'parrots' } }));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the run', (client) => client.runs.list(thread_id));
    await step('answered', (client) =>
      client.runs.wait(thread_id, 'ask', { command: { resume: { approved: true, by: ['ann'] } } }),
    );
    await step('the thread at the end', (client) => client.threads.get(thread_id));
    await step('state at the end', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
  },

  streamed: async ({ newThread, step }) => {
    const thread_id = await newThread();
    const streamMode: ('values' | 'updates')[] = ['values', 'updates'];
    await step('asked', (client) => client.runs.stream(thread_id, 'ask', { input: { topic: 'parrots' }, streamMode }));
    await step('answered', (client) =>
      client.runs.stream(thread_id, 'ask', { command: { resume: 'yes' }, streamMode }),
    );
  },

  'a second interrupt': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('asked', (client) => client.runs.wait(thread_id, 'ask', { input: { topic: 'parrots' } }));
    await step('without input', (client) => client.runs.wait(thread_id, 'ask', { input: null }));
    await step('with other input', (client) => client.runs.wait(thread_id, 'ask', { input: { topic: 'owls' } }));
    await step('history', (client) => client.threads.getHistory(thread_id));
  },

  'two interrupts': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('asked', async (client) =>
      withoutIds(await client.runs.wait(thread_id, 'parallel', { input: { answers: [] } })),
    );
    const state = await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
    const [left, right] = state.tasks.map(({ interrupts }) => interrupts[0].id!);
    await step('one answered', (client) =>
      client.runs.wait(thread_id, 'parallel', { command: { resume: { [left]: 'l' } } }),
    );
    await step('state between', (client) => client.threads.getState(thread_id));
    await step('the other answered', (client) =>
      client.runs.wait(thread_id, 'parallel', { command: { resume: { [right]: 'r' } } }),
    );
    await step('state at the end', (client) => client.threads.getState(thread_id));
  },

  'both resumed at once': async ({ newThread, client, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'parallel', { input: { answers: [] } });
    const state = await client.threads.getState(thread_id);
    const answers = Object.fromEntries(state.tasks.map(({ name, interrupts }) => [interrupts[0].id!, name]));
    await step('answered', (client) => client.runs.wait(thread_id, 'parallel', { command: { resume: answers } }));
  },

  'a resume without an interrupt': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('on a new thread', (client) => client.runs.wait(thread_id, 'ask', { command: { resume: 'yes' } }));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('a run', (client) => client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } }));
    await step('after a run', (client) => client.runs.wait(thread_id, 'steps', { command: { resume: 'yes' } }));
    await step('state', (client) => client.threads.getState(thread_id));
  },

  'commands that update': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('an object', (client) => client.runs.wait(thread_id, 'steps', { command: { update: { topic: 'b' } } }));
    await step('pairs', (client) =>
      client.runs.wait(thread_id, 'steps', {
        command: {
          update: [
            ['topic', 'c'],
            ['path', ['x']],
          ],
        },
      }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
  },

  'commands with goto': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('a node', (client) => client.runs.wait(thread_id, 'steps', { command: { goto: 'two' } }));
    await step('a node with input', (client) =>
      client.runs.wait(thread_id, 'steps', { command: { goto: { node: 'three', input: { topic: 'sent' } } as never } }),
    );
    await step('several', (client) =>
      client.runs.wait(thread_id, 'steps', { command: { goto: ['three', { node: 'three', input: {} }] as never } }),
    );
    await step('with an update', (client) =>
      client.runs.wait(thread_id, 'steps', { command: { goto: 'three', update: { topic: 'b' } } }),
    );
    await step('a node that is not there', (client) =>
      client.runs.wait(thread_id, 'steps', { command: { goto: 'nobody' }, raiseError: false }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
  },

  'a resume with an update': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'ask', { input: { topic: 'a' } });
    await step('answered', (client) =>
      client.runs.wait(thread_id, 'ask', { command: { resume: 'yes', update: { topic: 'b' } } }),
    );
  },

  'stops before nodes': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('one', (client) =>
      client.runs.wait(thread_id, 'steps', { input: { topic: 'a' }, interruptBefore: ['two'] }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('go on to the next stop', (client) =>
      client.runs.wait(thread_id, 'steps', { input: null, interruptBefore: '*' }),
    );
    await step('go on', (client) => client.runs.wait(thread_id, 'steps', { input: null }));
    await step('the thread at the end', (client) => client.threads.get(thread_id));
  },

  'stops after nodes': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('one', (client) =>
      client.runs.stream(thread_id, 'steps', {
        input: { topic: 'a' },
        interruptAfter: ['one'],
        streamMode: ['values', 'updates'],
      }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('every node', (client) =>
      client.runs.stream(thread_id, 'steps', { input: null, interruptAfter: '*', streamMode: ['values', 'updates'] }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'stops at an unknown node': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('before', (client) =>
      client.runs.wait(thread_id, 'steps', { input: { topic: 'a' }, interruptBefore: ['nobody'], raiseError: false }),
    );
  },
};

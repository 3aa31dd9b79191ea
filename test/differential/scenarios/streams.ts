import type { StreamMode } from 'langgraph-sdk-newest';
import type { Scenario, Scenarios } from '../scene.js';

const hello = { messages: [{ role: 'user', content: 'Hello', id: 'm1' }] };

/** A scenario for each mode. */
const inModes = (name: string, modes: StreamMode[], scenarioIn: (mode: StreamMode) => Scenario): Scenarios =>
  Object.fromEntries(modes.map((mode) => [`${name} ${mode}`, scenarioIn(mode)]));

/** Behaviours 7: streams of runs. */
export const streams: Scenarios = {
  'without a mode': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('stream', (client) => client.runs.stream(thread_id, 'steps', { input: { topic: 'a' } }));
  },

  ...inModes(
    'mode',
    ['values', 'updates', 'custom', 'debug', 'tasks', 'checkpoints'],
    (streamMode) =>
      async ({ newThread, step }) => {
        const thread_id = await newThread();
        await step('steps', (client) => client.runs.stream(thread_id, 'steps', { input: { topic: 'a' }, streamMode }));
        await step('a question', async function* (client) {
          yield* client.runs.stream(await newThread(), 'ask', { input: { topic: 'a' }, streamMode });
        });
        await step('an error', async function* (client) {
          yield* client.runs.stream(await newThread(), 'failing', { input: { started: false }, streamMode });
        });
      },
  ),

  ...inModes(
    'messages in mode',
    ['messages', 'messages-tuple', 'events', 'values', 'updates'],
    (streamMode) =>
      async ({ newThread, step }) => {
        const thread_id = await newThread();
        await step('tokens', (client) => client.runs.stream(thread_id, 'tokens', { input: hello, streamMode }));
        await step('no model', async function* (client) {
          yield* client.runs.stream(await newThread(), 'echo', { input: hello, streamMode });
        });
      },
  ),

  tools: async ({ newThread, step }) => {
    for (const streamMode of [['tools'], ['messages-tuple'], ['updates']] as StreamMode[][]) {
      const thread_id = await newThread();
      await step(streamMode[0], (client) => client.runs.stream(thread_id, 'tools', { input: hello, streamMode }));
    }
  },

  'several modes': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('steps', (client) =>
      client.runs.stream(thread_id, 'steps', { input: { topic: 'a' }, streamMode: ['updates', 'values', 'custom'] }),
    );
    const second = await newThread();
    await step('messages', (client) =>
      client.runs.stream(second, 'tokens', { input: hello, streamMode: ['messages', 'values'] }),
    );
    const third = await newThread();
    await step('messages as pairs', (client) =>
      client.runs.stream(third, 'tokens', { input: hello, streamMode: ['messages-tuple', 'updates'] }),
    );
  },

  ...inModes(
    'subgraphs in mode',
    ['updates', 'values', 'debug', 'custom'],
    (streamMode) =>
      async ({ newThread, step }) => {
        const thread_id = await newThread();
        const options = { streamMode, streamSubgraphs: true };
        await step('first half', (client) =>
          client.runs.stream(thread_id, 'nested', { input: { path: [] }, ...options }),
        );
        await step('second half', (client) =>
          client.runs.stream(thread_id, 'nested', { command: { resume: 'yes' }, ...options }),
        );
      },
  ),

  'without subgraphs': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('stream', (client) =>
      client.runs.stream(thread_id, 'nested', { input: { path: [] }, streamMode: ['updates', 'values'] }),
    );
  },

  'without input': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('after the end', (client) =>
      client.runs.stream(thread_id, 'steps', { input: null, streamMode: ['values', 'updates', 'debug'] }),
    );
    const history = await client.threads.getHistory(thread_id);
    const { checkpoint } = history.find(({ next }) => next[0] === 'three')!;
    await step('from a checkpoint', (client) =>
      client.runs.stream(thread_id, 'steps', {
        input: null,
        checkpointId: checkpoint.checkpoint_id!,
        streamMode: ['values', 'updates', 'debug'],
      }),
    );
  },

  joined: async ({ client, newThread, newGate, step }) => {
    const thread_id = await newThread();
    const gate = newGate();
    const { run_id } = await client.runs.create(thread_id, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamMode: ['values', 'updates'],
    });
    gate.open();
    await step('from its beginning', (client) => client.runs.joinStream(thread_id, run_id));
    await step('after its end', (client) => client.runs.joinStream(thread_id, run_id));
  },

  'joined with a mode': async ({ client, newThread, newGate, step }) => {
    const thread_id = await newThread();
    const gate = newGate();
    const { run_id } = await client.runs.create(thread_id, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamMode: ['values', 'updates'],
    });
    gate.open();
    await step('updates', (client) => client.runs.joinStream(thread_id, run_id, { streamMode: 'updates' }));
  },

  resumable: async ({ newThread, step }) => {
    const thread_id = await newThread();
    let run_id = '';
    const options = {
      input: { topic: 'a' },
      streamMode: ['values' as const, 'updates' as const],
      streamResumable: true,
      onRunCreated: (run: { run_id: string }) => void (run_id = run.run_id),
    };
    await step('stream', (client) => client.runs.stream(thread_id, 'steps', options));
    await step('again from the start', (client) => client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
    await step('again after the third', (client) => client.runs.joinStream(thread_id, run_id, { lastEventId: '2' }));
    await step('again without an id', (client) => client.runs.joinStream(thread_id, run_id));
    await step('again after one that is not there', (client) =>
      client.runs.joinStream(thread_id, run_id, { lastEventId: '999' }),
    );
  },

  'read by two': async ({ client, newThread, newGate, step }) => {
    const thread_id = await newThread();
    const gate = newGate();
    const { run_id } = await client.runs.create(thread_id, 'waiting', {
      input: { gate: gate.path, label: 'a' },
      streamMode: ['updates'],
      streamResumable: true,
    });
    await gate.reached();
    const readers = ['first', 'second'].map((name) =>
      step(name, (client) => client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' })),
    );
    gate.open();
    await Promise.all(readers);
  },

  'of a thread': async ({ newThread, step }) => {
    const thread_id = await newThread();
    const leaving = new AbortController();
    await step('join', async function* (client) {
      const stream = client.threads.joinStream(thread_id, { signal: leaving.signal });
      // The stream of a thread does not end: only its start can be observed.
      const first = stream.next();
      await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
      const { value } = (await first) as { value: { event: string } };
      leaving.abort();
      yield { event: value.event, data: null };
    });
  },
};

import { randomUUID } from 'node:crypto';
import type { Checkpoint, ThreadState } from 'langgraph-sdk-newest';
import { askUntil } from '../../support/until.js';
import type { Scenarios } from '../scene.js';

/** Behaviours 3: state and history. */
export const states: Scenarios = {
  'of a thread without a graph': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
    await step('update', (client) => client.threads.updateState(thread_id, { values: { topic: 'a' } }));
    await step('a run without input', (client) => client.runs.wait(thread_id, 'steps', { input: null }));
  },

  'of a thread that has a graph and no run': async ({ client, step }) => {
    const { thread_id } = await client.threads.create({ graphId: 'steps' });
    await step('state', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
    await step('update', (client) => client.threads.updateState(thread_id, { values: { topic: 'a' }, asNode: 'one' }));
    await step('state after it', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('a run without input', (client) => client.runs.wait(thread_id, 'steps', { input: null }));
  },

  'after a run': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' }, metadata: { purpose: 'test' } });
    await step('state', (client) => client.threads.getState(thread_id));
    const history = await step('history', (client) => client.threads.getHistory(thread_id));
    const { checkpoint } = history[2];
    await step('at a checkpoint', (client) => client.threads.getState(thread_id, checkpoint.checkpoint_id!));
    await step('at a checkpoint that is an object', (client) => client.threads.getState(thread_id, checkpoint));
    await step('at a checkpoint that is not there', (client) => client.threads.getState(thread_id, randomUUID()));
    await step('some fields', (client) =>
      client.threads.getState(thread_id, undefined, { select: ['next', 'values.topic'] } as never),
    );
    await step('at most two', (client) => client.threads.getHistory(thread_id, { limit: 2 }));
    await step('before a checkpoint', (client) =>
      client.threads.getHistory(thread_id, { before: { configurable: { checkpoint_id: checkpoint.checkpoint_id } } }),
    );
    await step('before an id', (client) =>
      client.threads.getHistory(thread_id, { before: checkpoint.checkpoint_id as never }),
    );
    await step('by metadata', (client) =>
      client.threads.getHistory(thread_id, { metadata: { purpose: 'test', step: 1 } }),
    );
    await step('by other metadata', (client) =>
      client.threads.getHistory(thread_id, { metadata: { purpose: 'none' } }),
    );
    await step('by source', (client) => client.threads.getHistory(thread_id, { metadata: { source: 'input' } }));
  },

  'history by GET': async ({ client, newThread, raw }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await raw('all', `/threads/${thread_id}/history`);
    await raw('at most two', `/threads/${thread_id}/history?limit=2`);
  },

  updates: async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('as the last node', (client) => client.threads.updateState(thread_id, { values: { path: ['edited'] } }));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('as another node', (client) =>
      client.threads.updateState(thread_id, { values: { topic: 'b' }, asNode: 'one' }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('the thread as it is now', (client) => client.threads.get(thread_id));
    await step('with null', (client) => client.threads.updateState(thread_id, { values: null, asNode: 'one' }));
    await step('with null and no node', (client) => client.threads.updateState(thread_id, { values: null }));
    await step('go on', (client) => client.runs.wait(thread_id, 'steps', { input: null }));
    await step('as a node that is not there', (client) =>
      client.threads.updateState(thread_id, { values: { topic: 'c' }, asNode: 'nobody' }),
    );
    await step('history', (client) => client.threads.getHistory(thread_id, { limit: 100 }));
  },

  'an update with several values': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    await step('update', (client) =>
      client.threads.updateState(thread_id, { values: [{ path: ['x'] }, { path: ['y'] }] as never, asNode: 'one' }),
    );
  },

  'an update of an interrupted thread': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'ask', { input: { topic: 'a' } });
    await step('update', (client) => client.threads.updateState(thread_id, { values: { topic: 'b' } }));
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('go on', (client) => client.runs.wait(thread_id, 'ask', { input: null }));
  },

  'an update in place of a pending node': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'ask', { input: { topic: 'a' } });
    await step('update', (client) =>
      client.threads.updateState(thread_id, { values: { answer: 'edited' }, asNode: 'ask' }),
    );
    await step('the thread', (client) => client.threads.get(thread_id));
    await step('state', (client) => client.threads.getState(thread_id));
    await step('go on', (client) => client.runs.wait(thread_id, 'ask', { input: null }));
    await step('the thread at the end', (client) => client.threads.get(thread_id));
  },

  'a fork': async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'steps', { input: { topic: 'a' } });
    const history = await client.threads.getHistory(thread_id);
    const { checkpoint } = history.find(({ next }) => next[0] === 'two')!;
    const forked = await step('update of the past', (client) =>
      client.threads.updateState(thread_id, {
        values: { topic: 'forked' },
        checkpointId: checkpoint.checkpoint_id!,
      }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('a run from there', (client) =>
      client.runs.wait(thread_id, 'steps', {
        input: null,
        checkpoint: (forked as unknown as { checkpoint: Checkpoint }).checkpoint,
      }),
    );
    await step('a run from the past', (client) =>
      client.runs.wait(thread_id, 'steps', { input: null, checkpointId: checkpoint.checkpoint_id! }),
    );
    await step('a run with input from the past', (client) =>
      client.runs.wait(thread_id, 'steps', { input: { topic: 'again' }, checkpointId: checkpoint.checkpoint_id! }),
    );
    await step('history', (client) => client.threads.getHistory(thread_id, { limit: 100 }));
  },

  'a busy thread': async ({ client, newThread, startWaiting, step }) => {
    const thread_id = await newThread();
    const { gate, run_id } = await startWaiting(thread_id);
    // The checkpoint before a node may be written while the node runs.
    await askUntil(
      () => client.threads.getState(thread_id),
      ({ next }) => next[0] === 'wait',
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('update', (client) => client.threads.updateState(thread_id, { values: { label: 'b' } }));
    gate.open();
    await client.runs.join(thread_id, run_id);
  },

  subgraphs: async ({ client, newThread, step }) => {
    const thread_id = await newThread();
    await client.runs.wait(thread_id, 'nested', { input: { path: [] } });
    const state = await step('state', (client) => client.threads.getState(thread_id));
    await step('state with subgraphs', (client) => client.threads.getState(thread_id, undefined, { subgraphs: true }));
    const [{ checkpoint }] = state.tasks;
    const inside = await step('state of the subgraph', (client) =>
      client.threads.getState(thread_id, checkpoint as Checkpoint),
    );
    await step('state of the subgraph with subgraphs', (client) =>
      client.threads.getState(thread_id, checkpoint as Checkpoint, { subgraphs: true }),
    );
    await step('history of the subgraph', (client) =>
      client.threads.getHistory(thread_id, { checkpoint: checkpoint as Checkpoint }),
    );
    await step('update of the subgraph', (client) =>
      client.threads.updateState(thread_id, {
        values: { mood: 'loud' },
        checkpoint: (inside as ThreadState | undefined)?.checkpoint,
      }),
    );
    await step('state after it', (client) => client.threads.getState(thread_id, undefined, { subgraphs: true }));
    await step('answered', (client) => client.runs.wait(thread_id, 'nested', { command: { resume: 'yes' } }));
    await step('state at the end', (client) => client.threads.getState(thread_id));
    await step('history', (client) => client.threads.getHistory(thread_id));
  },

  'a past given at creation': async ({ step }) => {
    const thread = await step('create', (client) =>
      client.threads.create({
        graphId: 'steps',
        supersteps: [
          { updates: [{ values: { topic: 'a' }, asNode: '__input__' }] },
          { updates: [{ values: { path: ['one'] }, asNode: 'one' }] },
          { updates: [{ values: { path: ['two'] }, asNode: 'two' }] },
        ],
      }),
    );
    await step('state', (client) => client.threads.getState(thread.thread_id));
    await step('history', (client) => client.threads.getHistory(thread.thread_id));
    await step('the thread', (client) => client.threads.get(thread.thread_id));
    await step('go on', (client) => client.runs.wait(thread.thread_id, 'steps', { input: null }));
  },

  'a past with commands': async ({ step }) => {
    const thread = await step('create', (client) =>
      client.threads.create({
        graphId: 'ask',
        supersteps: [
          { updates: [{ values: { topic: 'a' }, asNode: '__input__' }] },
          { updates: [{ values: null, command: { update: { answer: 'given' } }, asNode: 'ask' }] },
        ],
      }),
    );
    await step('state', (client) => client.threads.getState(thread.thread_id));
  },

  'a past without a graph': async ({ step }) => {
    const threadId = randomUUID();
    await step('create', (client) =>
      client.threads.create({ threadId, supersteps: [{ updates: [{ values: { a: 1 }, asNode: '__input__' }] }] }),
    );
    await step('the thread', (client) => client.threads.get(threadId));
  },

  messages: async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('a run', (client) =>
      client.runs.wait(thread_id, 'echo', { input: { messages: [{ role: 'user', content: 'Hello' }] } }),
    );
    await step('state', (client) => client.threads.getState(thread_id));
    await step('a message is added', (client) =>
      client.threads.updateState(thread_id, { values: { messages: [{ role: 'user', content: 'Again' }] } }),
    );
    await step('state after it', (client) => client.threads.getState(thread_id));
    await step('the thread', (client) => client.threads.get(thread_id));
  },

  'metadata of a state': async ({ newThread, step }) => {
    const thread_id = await newThread();
    await step('by the SDK alone', (client) => client.threads.patchState(thread_id, { color: 'red' }));
    await step('the thread', (client) => client.threads.get(thread_id));
  },
};

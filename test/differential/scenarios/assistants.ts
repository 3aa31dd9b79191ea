import { randomUUID } from 'node:crypto';
import type { Scenarios } from '../scene.js';

/** Behaviours 2. */
export const assistants: Scenarios = {
  // First, because it takes the official server half a minute.
  schemas: async ({ step }) => {
    for (const graph of ['steps', 'echo', 'zod', 'registered']) {
      await step(graph, (client) => client.assistants.getSchemas(graph));
    }
  },

  'those of the configuration': async ({ step }) => {
    const [found] = await step('search', (client) =>
      client.assistants.search({ graphId: 'echo', metadata: { created_by: 'system' } }),
    );
    await step('by its id', (client) => client.assistants.get(found.assistant_id));
    await step('by the name of its graph', (client) => client.assistants.get('echo'));
    await step('with defaults of the environment', (client) => client.assistants.get('settings'));
  },

  'a new one': async ({ step }) => {
    const { assistant_id } = await step('with nothing but a graph', (client) =>
      client.assistants.create({ graphId: 'echo' }),
    );
    await step('read', (client) => client.assistants.get(assistant_id));
    await step('with everything', (client) =>
      client.assistants.create({
        graphId: 'settings',
        assistantId: randomUUID(),
        name: 'Parrot',
        description: 'Repeats.',
        metadata: { owner: 'ann', nested: { deep: [1, 2] } },
        config: { tags: ['loud'], recursion_limit: 7, configurable: { model: 'small' } },
        context: { language: 'de' },
      }),
    );
    await step('with an empty name', (client) => client.assistants.create({ graphId: 'echo', name: '' }));
  },

  'an existing one': async ({ step }) => {
    const assistantId = randomUUID();
    await step('create', (client) => client.assistants.create({ graphId: 'echo', assistantId, name: 'first' }));
    await step('again', (client) => client.assistants.create({ graphId: 'echo', assistantId, name: 'second' }));
    await step('raise', (client) =>
      client.assistants.create({ graphId: 'echo', assistantId, name: 'second', ifExists: 'raise' }),
    );
    await step('do nothing', (client) =>
      client.assistants.create({ graphId: 'steps', assistantId, name: 'second', ifExists: 'do_nothing' }),
    );
    await step('versions', (client) => client.assistants.getVersions(assistantId));
  },

  'for an unknown graph': async ({ step }) => {
    await step('create', (client) => client.assistants.create({ graphId: 'no-such-graph' }));
  },

  'updates and versions': async ({ client, step }) => {
    const { assistant_id } = await client.assistants.create({
      graphId: 'settings',
      name: 'one',
      metadata: { a: 1, nested: { x: 1 } },
      config: { configurable: { model: 'small' } },
      context: { language: 'de' },
    });
    await step('metadata is merged', (client) =>
      client.assistants.update(assistant_id, { metadata: { b: 2, nested: { y: 1 } } }),
    );
    await step('the rest is replaced', (client) =>
      client.assistants.update(assistant_id, {
        name: 'three',
        description: 'third',
        graphId: 'steps',
        config: { tags: ['t'] },
        context: { tone: 'dry' },
      }),
    );
    await step('with nothing', (client) => client.assistants.update(assistant_id, {}));
    await step('versions', (client) => client.assistants.getVersions(assistant_id));
    await step('a page of them', (client) => client.assistants.getVersions(assistant_id, { limit: 2, offset: 1 }));
    await step('by metadata', (client) => client.assistants.getVersions(assistant_id, { metadata: { b: 2 } }));
    await step('by metadata that none has', (client) =>
      client.assistants.getVersions(assistant_id, { metadata: { b: 3 } }),
    );
    await step('back to the first', (client) => client.assistants.setLatest(assistant_id, 1));
    await step('read', (client) => client.assistants.get(assistant_id));
    await step('the next update', (client) => client.assistants.update(assistant_id, { name: 'five' }));
    await step('a version that is not there', (client) => client.assistants.setLatest(assistant_id, 99));
  },

  'search and count': async ({ client, step, mark }) => {
    for (const [name, graphId] of [
      ['Alpha', 'echo'],
      ['beta', 'steps'],
      ['alphabet', 'echo'],
    ]) {
      await client.assistants.create({ graphId, name, metadata: { mark, name, list: [1, 2], nested: { name } } });
    }
    const metadata = { mark };
    await step('all', (client) => client.assistants.search({ metadata }));
    await step('by graph', (client) => client.assistants.search({ metadata, graphId: 'echo' }));
    await step('by part of the name', (client) => client.assistants.search({ metadata, name: 'ALPHA' }));
    await step('by nested metadata', (client) =>
      client.assistants.search({ metadata: { mark, nested: { name: 'beta' } } }),
    );
    await step('by the beginning of a list', (client) => client.assistants.search({ metadata: { mark, list: [1] } }));
    await step('a page', (client) => client.assistants.search({ metadata, limit: 2 }));
    await step('the next page', (client) => client.assistants.search({ metadata, limit: 2, offset: 2 }));
    await step('a full page', (client) => client.assistants.search({ metadata, limit: 3 }));
    await step('with the next offset', (client) =>
      client.assistants.search({ metadata, limit: 2, includePagination: true }),
    );
    await step('by name ascending', (client) =>
      client.assistants.search({ metadata, sortBy: 'name', sortOrder: 'asc', select: ['name'] }),
    );
    await step('by creation ascending', (client) =>
      client.assistants.search({ metadata, sortBy: 'created_at', sortOrder: 'asc', select: ['name'] }),
    );
    await step('some fields', (client) => client.assistants.search({ metadata, select: ['name', 'version'] }));
    await step('nothing found', (client) => client.assistants.search({ metadata: { mark, name: 'gamma' } }));
    await step('count', (client) => client.assistants.count({ metadata }));
    await step('count by graph', (client) => client.assistants.count({ metadata, graphId: 'steps' }));
    await step('count by name', (client) => client.assistants.count({ metadata, name: 'alpha' }));
  },

  'metadata with null or another part of a list': async ({ client, step, mark }) => {
    await client.assistants.create({ graphId: 'echo', metadata: { mark, list: [1, 2], empty: null } });
    await step('the end of a list', (client) => client.assistants.search({ metadata: { mark, list: [2] } }));
    await step('null', (client) => client.assistants.search({ metadata: { mark, empty: null } }));
  },

  deletion: async ({ client, step }) => {
    const { assistant_id } = await client.assistants.create({ graphId: 'echo' });
    await step('delete', (client) => client.assistants.delete(assistant_id));
    await step('again', (client) => client.assistants.delete(assistant_id));
    await step('read', (client) => client.assistants.get(assistant_id));
    await step('update', (client) => client.assistants.update(assistant_id, { name: 'gone' }));
    await step('versions', (client) => client.assistants.getVersions(assistant_id));
    await step('latest', (client) => client.assistants.setLatest(assistant_id, 1));
    await step('graph', (client) => client.assistants.getGraph(assistant_id));
    await step('schemas', (client) => client.assistants.getSchemas(assistant_id));
    await step('subgraphs', (client) => client.assistants.getSubgraphs(assistant_id));
  },

  'deletion with its threads': async ({ client, step }) => {
    const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
    const threads = [await client.threads.create(), await client.threads.create()];
    await client.runs.wait(threads[0].thread_id, assistant_id, { input: { topic: 'a' } });
    await client.runs.wait(threads[1].thread_id, 'steps', { input: { topic: 'b' } });
    await step('delete', (client) => client.assistants.delete(assistant_id, { deleteThreads: true }));
    await step('its thread', (client) => client.threads.get(threads[0].thread_id));
    await step('another thread', (client) =>
      client.threads.search({ ids: [threads[1].thread_id], select: ['status'] }),
    );
  },

  'deletion without its threads': async ({ client, step }) => {
    const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
    const { thread_id } = await client.threads.create();
    const { run_id } = await client.runs.create(thread_id, assistant_id, { input: { topic: 'a' } });
    await client.runs.join(thread_id, run_id);
    await client.assistants.delete(assistant_id);
    await step('its thread', (client) => client.threads.get(thread_id));
    await step('its run', (client) => client.runs.get(thread_id, run_id));
    await step('the state', (client) => client.threads.getState(thread_id));
  },

  'drawings of graphs': async ({ step }) => {
    await step('steps', (client) => client.assistants.getGraph('steps'));
    await step('with edges that depend', (client) => client.assistants.getGraph('looping'));
    await step('nested', (client) => client.assistants.getGraph('nested'));
    await step('nested, with what is inside', (client) => client.assistants.getGraph('nested', { xray: true }));
    await step('nested, one level', (client) => client.assistants.getGraph('nested', { xray: 1 }));
  },

  subgraphs: async ({ step }) => {
    await step('all', (client) => client.assistants.getSubgraphs('nested'));
    await step('recursively', (client) => client.assistants.getSubgraphs('nested', { recurse: true }));
    await step('one', (client) => client.assistants.getSubgraphs('nested', { namespace: 'child' }));
    await step('one that is not there', (client) => client.assistants.getSubgraphs('nested', { namespace: 'nobody' }));
    await step('none', (client) => client.assistants.getSubgraphs('steps'));
  },
};

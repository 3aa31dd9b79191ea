import type { Scenarios } from '../scene.js';

/** Behaviours 1 and 10: the server itself. */
export const server: Scenarios = {
  'health and information': async ({ raw }) => {
    await raw('ok', '/ok');
    await raw('info', '/info');
    await raw('docs', '/docs', { headers: { accept: 'application/json' } }, []);
  },

  'other origins': async ({ raw }) => {
    const names = [
      'access-control-allow-origin',
      'access-control-expose-headers',
      'access-control-allow-methods',
      'access-control-allow-headers',
      'access-control-allow-credentials',
      'access-control-max-age',
    ];
    const headers = { origin: 'http://localhost:3000' };
    await raw('request', '/ok', { headers }, names);
    await raw(
      'preflight',
      '/threads',
      {
        method: 'OPTIONS',
        headers: {
          ...headers,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-api-key',
        },
      },
      names,
    );
  },

  'headers of a stream': async ({ newThread, raw }) => {
    const thread_id = await newThread();
    const names = ['content-type', 'cache-control', 'content-location', 'location', 'x-accel-buffering', 'connection'];
    const json = { assistant_id: 'steps', input: { topic: 'a' }, stream_mode: 'updates' };
    await raw('on a thread', `/threads/${thread_id}/runs/stream`, { json }, names);
    await raw('without one', '/runs/stream', { json }, names);
  },

  crons: async ({ newThread, step }) => {
    const thread_id = await newThread();
    const options = { schedule: '0 0 1 1 *', input: { topic: 'a' } };
    await step('create', (client) => client.crons.create('steps', options));
    await step('create on a thread', (client) => client.crons.createForThread(thread_id, 'steps', options));
    await step('search', (client) => client.crons.search({ threadId: thread_id }));
    await step('count', (client) => client.crons.count({ threadId: thread_id }));
  },
};

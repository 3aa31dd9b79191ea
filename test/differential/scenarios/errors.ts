import type { Scenarios } from '../scene.js';

/** Behaviours 1: rejected requests and their errors. */
export const errors: Scenarios = {
  'invalid ids': async ({ newThread, raw }) => {
    const thread_id = await newThread();
    await raw('thread', '/threads/unknown');
    await raw('run', `/threads/${thread_id}/runs/unknown`);
    await raw('checkpoint', `/threads/${thread_id}/state/unknown`);
    await raw('assistant', '/assistants/unknown');
    await raw('created', '/threads', { json: { thread_id: 'nobody' } });
    await raw('created assistant', '/assistants', { json: { assistant_id: 'nobody', graph_id: 'echo' } });
  },

  'malformed bodies': async ({ raw }) => {
    const headers = { 'content-type': 'application/json' };
    await raw('no JSON', '/threads/search', { method: 'POST', headers, body: '{"limit":' });
    await raw('empty', '/threads', { method: 'POST', headers, body: '' });
    await raw('a list', '/threads/search', { method: 'POST', headers, body: '[]' });
    await raw('text that is JSON', '/threads/count', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"metadata":{"none":"such"}}',
    });
  },

  'invalid values': async ({ newThread, raw }) => {
    const thread_id = await newThread();
    const run = { assistant_id: 'steps', input: {} };
    await raw('limit', '/threads/search', { json: { limit: 0 } });
    await raw('large limit', '/assistants/search', { json: { limit: 1001 } });
    await raw('offset', '/threads/search', { json: { offset: -1 } });
    await raw('status', '/threads/search', { json: { status: 'sleepy' } });
    await raw('graph missing', '/assistants', { json: {} });
    await raw('metadata', '/threads', { json: { metadata: 'text' } });
    await raw('if_exists', '/threads', { json: { if_exists: 'perhaps' } });
    await raw('assistant missing', `/threads/${thread_id}/runs`, { json: { input: {} } });
    await raw('stream_mode', `/threads/${thread_id}/runs`, { json: { ...run, stream_mode: 'loud' } });
    await raw('multitask_strategy', `/threads/${thread_id}/runs`, { json: { ...run, multitask_strategy: 'loud' } });
    await raw('interrupt_before', `/threads/${thread_id}/runs`, { json: { ...run, interrupt_before: 'one' } });
    await raw('recursion_limit', `/threads/${thread_id}/runs`, { json: { ...run, config: { recursion_limit: 1.5 } } });
    await raw('version', '/assistants/echo/latest', { json: { version: 'one' } });
    await raw('metadata missing', `/threads/${thread_id}`, { method: 'PATCH', json: {} });
    await raw('cancel action', `/threads/${thread_id}/runs/${thread_id}/cancel?action=stop`, { method: 'POST' });
  },

  'unknown fields': async ({ newThread, raw }) => {
    const thread_id = await newThread();
    await raw('thread', '/threads', { json: { color: 'red' } });
    await raw('run', `/threads/${thread_id}/runs/wait`, {
      json: { assistant_id: 'steps', input: { topic: 'a' }, color: 'red', durability: 'exit' },
    });
  },

  'unknown routes': async ({ raw }) => {
    await raw('path', '/nothing/here');
    await raw('method', '/threads', { method: 'PUT', json: {} });
    await raw('run without a thread', '/runs/00000000-0000-4000-8000-000000000000');
  },

  'null for optional fields': async ({ raw }) => {
    await raw('thread', '/threads', { json: { metadata: null } });
    await raw('search', '/threads/search', { json: { metadata: null, ids: ['00000000-0000-4000-8000-000000000000'] } });
    await raw('stateless run', '/runs/wait', {
      json: { assistant_id: 'steps', input: { topic: 'a' }, command: null, config: null, metadata: null },
    });
  },
};

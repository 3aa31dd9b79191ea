import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { addingClient, type Client, connect, newThread, SDKS, serverForFile } from '../support/sdk.js';

const server = serverForFile();

/** JavaScript clients send the null that a caller gave (contract 0.3); for an optional field it means the same as nothing. */
describe.each(SDKS)('an explicit null, with SDK %s,', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const withNull = (field: string): Client => addingClient(Client, server.url, { [field]: null });
  const ALL = { path: ['one', 'two', 'three'] };

  it.each(['assistant_id', 'config', 'context', 'metadata', 'if_exists', 'name', 'description'])(
    'for %s of a new assistant is the default',
    async (field) => {
      const { assistants } = withNull(field);
      expect(await assistants.create({ graphId: 'steps' })).toMatchObject({
        assistant_id: expect.any(String),
        config: {},
        context: {},
        metadata: {},
        name: 'Untitled',
        description: null,
      });
    },
  );

  it.each(['graph_id', 'config', 'context', 'metadata', 'name', 'description'])(
    'for %s of a changed assistant keeps the existing value',
    async (field) => {
      const given = {
        graphId: 'steps',
        name: 'kept',
        description: 'kept',
        config: { tags: ['kept'] },
        context: { kept: true },
        metadata: { kept: true },
      };
      const { assistant_id, version, updated_at, ...before } = await client.assistants.create(given);
      const { version: next, ...after } = await withNull(field).assistants.update(assistant_id, {});
      expect(next).toBe(version + 1);
      expect(after).toEqual({ ...before, assistant_id, updated_at: after.updated_at });
      expect(after.updated_at).not.toBe(updated_at);
    },
  );

  it.each(['limit', 'offset', 'metadata', 'graph_id', 'name', 'sort_by', 'sort_order', 'select'])(
    'for %s of a search for assistants is the default',
    async (field) => {
      expect(await withNull(field).assistants.search()).toEqual(await client.assistants.search());
    },
  );

  it.each(['thread_id', 'metadata', 'if_exists', 'supersteps', 'ttl'])(
    'for %s of a new thread is the default',
    async (field) => {
      expect(await withNull(field).threads.create()).toMatchObject({ thread_id: expect.any(String), metadata: {} });
    },
  );

  it('does not allow to create a thread or an assistant twice', async () => {
    const { threads, assistants } = withNull('if_exists');
    const id = randomUUID();
    await threads.create({ threadId: id });
    await expect(threads.create({ threadId: id })).rejects.toMatchObject({ status: 409 });
    await assistants.create({ assistantId: id, graphId: 'steps' });
    await expect(assistants.create({ assistantId: id, graphId: 'steps' })).rejects.toMatchObject({ status: 409 });
  });

  it.each(['limit', 'offset', 'ids', 'metadata', 'values', 'status', 'sort_by', 'sort_order', 'select', 'extract'])(
    'for %s of a search for threads is the default',
    async (field) => {
      await newThread(client);
      expect(await withNull(field).threads.search()).toEqual(await client.threads.search());
    },
  );

  it.each([
    'config',
    'context',
    'metadata',
    'command',
    'stream_mode',
    'stream_subgraphs',
    'stream_resumable',
    'interrupt_before',
    'interrupt_after',
    'checkpoint',
    'checkpoint_id',
    'durability',
    'checkpoint_during',
    'if_not_exists',
    'on_disconnect',
    'on_completion',
    'multitask_strategy',
    'after_seconds',
    'feedback_keys',
    'langsmith_tracer',
    'strict_resume',
  ])('for %s of a run is the default', async (field) => {
    const { runs } = withNull(field);
    expect(await runs.wait(await newThread(client), 'steps', { input: {} })).toEqual(ALL);
    expect(await runs.wait(null, 'steps', { input: {} })).toEqual(ALL);
  });

  it.each(['limit', 'before', 'metadata', 'checkpoint'])('for %s of a history is the default', async (field) => {
    const id = await newThread(client);
    await client.runs.wait(id, 'steps', { input: {} });
    expect(await withNull(field).threads.getHistory(id)).toEqual(await client.threads.getHistory(id));
  });

  it.each(['checkpoint_id', 'checkpoint_ns', 'checkpoint_map'])(
    'for %s of a checkpoint leaves that part of it open',
    async (field) => {
      const id = await newThread(client);
      await client.runs.wait(id, 'steps', { input: {} });
      const newest = await client.threads.getState(id);
      const checkpoint = { [field]: null } as never;
      expect(await client.threads.getState(id, checkpoint)).toEqual(newest);
      expect(await client.threads.getHistory(id, { checkpoint })).toEqual(await client.threads.getHistory(id));
      await client.threads.updateState(id, { checkpoint, values: { path: ['x'] }, asNode: 'three' });
      const payload = { input: {}, checkpoint };
      expect(await client.runs.wait(id, 'steps', payload)).toEqual({ path: [...ALL.path, 'x', ...ALL.path] });
    },
  );

  it('for the checkpoint of a state means the newest', async () => {
    const id = await newThread(client);
    await client.runs.wait(id, 'steps', { input: {} });
    const anywhere = { checkpoint_ns: '' } as never;
    expect(await withNull('checkpoint').threads.getState(id, anywhere)).toEqual(await client.threads.getState(id));
  });

  it.each(['as_node', 'checkpoint', 'checkpoint_id'])(
    'for %s of a state update is as if it were not there',
    async (field) => {
      const id = await newThread(client);
      await client.runs.wait(id, 'steps', { input: {} });
      await withNull(field).threads.updateState(id, { values: { path: ['x'] } });
      expect((await client.threads.getState(id)).values).toEqual({ path: [...ALL.path, 'x'] });
    },
  );

  it.each(['update', 'goto'])('for %s of a command is as if it were not there', async (field) => {
    const id = await newThread(client);
    await client.runs.wait(id, 'ask', { input: { question: 'why?' } });
    const command = { resume: 'so', [field]: null } as never;
    expect(await client.runs.wait(id, 'ask', { command })).toEqual({ question: 'why?', answer: 'so' });
  });
});

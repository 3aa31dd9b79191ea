import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';

type Payload = NonNullable<Parameters<Client['runs']['wait']>[2]>;
type Given = Record<'factory' | 'configurable' | 'context' | 'metadata', Record<string, unknown>> & { tags: string[] };

const DEFAULTS = { commonjs: { context: { tone: 'kind' }, tags: ['default'], configurable: { model: 'small' } } };

const server = serverForFile({ env: { LANGGRAPH_CONFIG: JSON.stringify(DEFAULTS) } });

describe.each(SDKS)('what a graph is given, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** Runs the graph `settings`, or an assistant of it, and gives what it has seen. */
  const given = async (payload: Payload = {}, assistant = 'settings'): Promise<Given> =>
    (await client.runs.wait(thread_id, assistant, { input: {}, ...payload })) as unknown as Given;

  const assistant = async (fields: Omit<Parameters<Client['assistants']['create']>[0], 'graphId'>): Promise<string> =>
    (await client.assistants.create({ graphId: 'settings', ...fields })).assistant_id;

  const configurable = (settings: Record<string, unknown>) => ({ config: { configurable: settings } });

  describe('in configurable', () => {
    it('comes from assistant, thread and request, the later one winning', async () => {
      thread_id = await newThread(client);
      const id = await assistant(configurable({ a: 'assistant', b: 'assistant', c: 'assistant' }));
      await given(configurable({ b: 'thread', c: 'thread' }));
      expect((await given(configurable({ c: 'request' }), id)).configurable).toMatchObject({
        a: 'assistant',
        b: 'thread',
        c: 'request',
      });
    });

    it('is stored on the thread and found there by later runs', async () => {
      thread_id = await newThread(client);
      await given(configurable({ model: 'big' }));
      expect((await client.threads.get(thread_id)).config).toMatchObject({ configurable: { model: 'big' } });
      expect((await given()).configurable).toMatchObject({ model: 'big' });
      expect((await given(configurable({ model: 'small' }))).configurable).toMatchObject({ model: 'small' });
      expect((await given()).configurable).toMatchObject({ model: 'small' });
    });

    it('is not taken from other threads', async () => {
      thread_id = await newThread(client);
      await given(configurable({ model: 'big' }));
      thread_id = await newThread(client);
      expect((await given()).configurable).not.toHaveProperty('model');
    });

    it('has the real ids, whatever the request claims', async () => {
      thread_id = await newThread(client);
      const claimed = { run_id: 'x', thread_id: 'x', graph_id: 'x', assistant_id: 'x' };
      const id = await assistant(configurable({ ...claimed }));
      const seen = await given(configurable(claimed), id);
      const [{ run_id }] = await client.runs.list(thread_id);
      const real = { run_id, thread_id, graph_id: 'settings', assistant_id: id };
      expect(seen.configurable).toMatchObject(real);
      expect(seen.factory).toMatchObject(real);
    });

    it('has the user that the request names, or else the thread, or else the assistant', async () => {
      thread_id = await newThread(client);
      const id = await assistant(configurable({ user_id: 'of the assistant' }));
      const user = async (payload?: Payload): Promise<unknown> => (await given(payload, id)).configurable.user_id;
      expect(await user()).toBe('of the assistant');
      thread_id = await newThread(client);
      await given(configurable({ user_id: 'of the thread' }));
      expect(await user()).toBe('of the thread');
      expect(await user(configurable({ user_id: 'of the request' }))).toBe('of the request');
    });

    it('does not hand the ids of one run on to the next', async () => {
      thread_id = await newThread(client);
      await given();
      const { config } = await client.threads.get(thread_id);
      expect(config).toEqual({ configurable: {} });
      const { configurable: seen } = await given();
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(seen).toMatchObject({ run_id });
    });

    it('does not hand a checkpoint on to the next run', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const { checkpoint_id } = past.checkpoint;
      await client.runs.wait(thread_id, 'steps', { input: null, checkpointId: checkpoint_id! });
      await client.runs.wait(thread_id, 'steps', { input: null, ...configurable({ checkpoint_id }) });
      expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toEqual({
        path: ['one', 'two', 'three', 'one', 'two', 'three'],
      });
    });

    it('may name a checkpoint to begin from', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const { checkpoint_id } = past.checkpoint;
      const payload = { input: { path: ['x'] }, ...configurable({ checkpoint_id }) };
      expect(await client.runs.wait(thread_id, 'steps', payload)).toEqual({
        path: ['one', 'x', 'one', 'two', 'three'],
      });
    });

    it('lacks identities that only authentication may give', async () => {
      thread_id = await newThread(client);
      const claimed = {
        langgraph_auth_user: { identity: 'root' },
        langgraph_auth_user_id: 'root',
        langgraph_auth_permissions: ['everything'],
      };
      const seen = await given({ ...configurable({ ...claimed, mine: 1 }), context: { mine: 1 } });
      for (const name of Object.keys(claimed)) {
        expect(seen.configurable).not.toHaveProperty(name);
        expect(seen.factory).not.toHaveProperty(name);
      }
      expect(JSON.stringify(await client.threads.get(thread_id))).not.toContain('root');
      expect(JSON.stringify(await client.runs.list(thread_id))).not.toContain('langgraph_auth');
    });

    it.each(['context', 'assistant context'])('lacks identities claimed in the %s too', async (place) => {
      thread_id = await newThread(client);
      const context = { langgraph_auth_user_id: 'root' };
      const id = await assistant(place === 'context' ? {} : { context });
      const seen = await given(place === 'context' ? { context } : {}, id);
      expect(seen.configurable).not.toHaveProperty('langgraph_auth_user_id');
    });

    it('lacks what only LangGraph itself may set', async () => {
      thread_id = await newThread(client);
      const result = await client.runs.wait(thread_id, 'steps', {
        input: {},
        ...configurable({ __pregel_read: 'x', __pregel_checkpointer: false, __pregel_resuming: true }),
      });
      expect(result).toEqual({ path: ['one', 'two', 'three'] });
      expect(JSON.stringify(await client.threads.get(thread_id))).not.toContain('__pregel');
    });

    it('lacks the headers of the request', async () => {
      thread_id = await newThread(client);
      const withHeader = connect(Client, server.url, { 'x-secret': 'hush', authorization: 'Bearer hush' });
      const seen = await withHeader.runs.wait(thread_id, 'settings', { input: {} });
      expect(JSON.stringify(seen)).not.toContain('hush');
      expect(JSON.stringify(await client.threads.getHistory(thread_id))).not.toContain('hush');
    });

    it('is the same for a stateless run', async () => {
      const id = await assistant(configurable({ a: 'assistant', b: 'assistant' }));
      const seen = (await client.runs.wait(null, id, {
        input: {},
        ...configurable({ b: 'request' }),
      })) as unknown as Given;
      expect(seen.configurable).toMatchObject({ a: 'assistant', b: 'request', graph_id: 'settings', assistant_id: id });
    });
  });

  describe('as other config', () => {
    it('comes from the request instead of the assistant, key by key, and never from the thread', async () => {
      thread_id = await newThread(client);
      const id = await assistant({ config: { tags: ['assistant'], recursion_limit: 9 } });
      expect((await given({}, id)).tags).toEqual(['assistant']);
      expect((await given({ config: { tags: ['request'] } }, id)).tags).toEqual(['request']);
      expect((await given({}, id)).tags).toEqual(['assistant']);
      expect((await given()).tags).toEqual([]);
    });

    it('limits the steps as the assistant says, unless the request says otherwise', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'steps', config: { recursion_limit: 2 } });
      await expect(client.runs.wait(null, assistant_id, { input: {} })).rejects.toThrow('GraphRecursionError');
      const payload = { input: {}, config: { recursion_limit: 10 } };
      expect(await client.runs.wait(null, assistant_id, payload)).toEqual({ path: ['one', 'two', 'three'] });
    });
  });

  describe('as context', () => {
    it('comes from assistant and request, the later one winning at the top level', async () => {
      thread_id = await newThread(client);
      const id = await assistant({ context: { a: 1, nested: { x: 1 } } });
      expect((await given({ context: { nested: { y: 2 }, b: 2 } }, id)).context).toEqual({
        a: 1,
        nested: { y: 2 },
        b: 2,
      });
    });

    it('is not found by later runs on the thread', async () => {
      thread_id = await newThread(client);
      await given({ context: { tone: 'kind' } });
      const later = await given();
      expect(later.context).not.toHaveProperty('tone');
      expect(later.configurable).not.toHaveProperty('tone');
    });

    it('is what configurable says when there is no other', async () => {
      thread_id = await newThread(client);
      const seen = await given(configurable({ model: 'big' }));
      expect(seen.context).toEqual({ model: 'big' });
      expect(seen.configurable).toMatchObject({ model: 'big' });
    });

    it('does not choose the checkpoint or the thread of the run', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const { checkpoint_id } = past.checkpoint;
      const context = { checkpoint_id, checkpoint_ns: '', thread_id: await newThread(client) };
      expect(await client.runs.wait(thread_id, 'steps', { input: {}, context })).toEqual({
        path: ['one', 'two', 'three', 'one', 'two', 'three'],
      });
    });

    it('shows in configurable too', async () => {
      thread_id = await newThread(client);
      expect((await given({ context: { model: 'big' } })).configurable).toMatchObject({ model: 'big' });
    });

    it('wins over what configurable says about the same key', async () => {
      thread_id = await newThread(client);
      const seen = await given({ ...configurable({ model: 'old' }), context: { model: 'new' } });
      expect([seen.context.model, seen.configurable.model]).toEqual(['new', 'new']);
    });
  });

  describe('as metadata', () => {
    it('comes from assistant, thread and request, the later one winning at the top level', async () => {
      const metadata = (by: string, keys: string[]) => Object.fromEntries(keys.map((key) => [key, by]));
      ({ thread_id } = await client.threads.create({ metadata: metadata('thread', ['b', 'c']) }));
      const id = await assistant({ metadata: metadata('assistant', ['a', 'b', 'c']) });
      const seen = await given({ metadata: metadata('request', ['c']) }, id);
      const merged = { a: 'assistant', b: 'thread', c: 'request' };
      expect(seen.metadata).toMatchObject(merged);
      expect((await client.runs.list(thread_id))[0].metadata).toMatchObject(merged);
      expect((await client.threads.getState(thread_id)).metadata).toMatchObject(merged);
    });

    it('has the real ids, whatever the request claims', async () => {
      const claimed = { run_id: 'x', thread_id: 'x', graph_id: 'x', assistant_id: 'x', run_attempt: 'x' };
      thread_id = await newThread(client);
      const id = await assistant({ metadata: claimed });
      const seen = await given({ metadata: claimed }, id);
      const [{ run_id, metadata }] = await client.runs.list(thread_id);
      const real = { run_id, thread_id, graph_id: 'settings', assistant_id: id };
      expect(seen.metadata).toMatchObject({ ...real, run_attempt: 1 });
      expect(metadata).toMatchObject(real);
      expect(metadata).not.toHaveProperty('run_attempt');
      expect((await client.threads.getState(thread_id)).metadata).toMatchObject(real);
    });

    it('has what the config of the request says, below everything else', async () => {
      thread_id = await newThread(client);
      const config = { metadata: { a: 'config', b: 'config', graph_id: 'x' } };
      const seen = await given({ config: config as Payload['config'], metadata: { b: 'request' } });
      expect(seen.metadata).toMatchObject({ a: 'config', b: 'request', graph_id: 'settings' });
      expect((await client.runs.list(thread_id))[0].metadata).not.toHaveProperty('a');
      expect((await client.threads.getState(thread_id)).metadata).not.toHaveProperty('a');
      expect((await given()).metadata).not.toHaveProperty('a');
    });

    it('names the server that executes the run, whatever the request claims', async () => {
      thread_id = await newThread(client);
      const claimed = { langgraph_host: 'x', langgraph_plan: 'x', langgraph_version: 'x', langgraph_api_url: 'x' };
      expect((await given({ metadata: claimed })).metadata).toMatchObject({
        langgraph_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        langgraph_plan: 'developer',
        langgraph_host: 'self-hosted',
        langgraph_api_url: server.url,
        run_attempt: 1,
      });
    });

    it('of a request stays with its run', async () => {
      thread_id = await newThread(client);
      await given({ metadata: { mine: true } });
      expect((await client.threads.get(thread_id)).metadata).not.toHaveProperty('mine');
      expect((await given()).metadata).not.toHaveProperty('mine');
    });

    it('stamps the thread with the graph and the assistant of its last run', async () => {
      ({ thread_id } = await client.threads.create({ metadata: { mine: true } }));
      const id = await assistant({});
      await client.runs.wait(thread_id, 'steps', { input: {} });
      expect((await client.threads.get(thread_id)).metadata).toMatchObject({ mine: true, graph_id: 'steps' });
      await given({}, id);
      expect((await client.threads.get(thread_id)).metadata).toEqual({
        mine: true,
        graph_id: 'settings',
        assistant_id: id,
      });
    });
  });

  describe('through a factory', () => {
    it('is what the run has been asked to do', async () => {
      thread_id = await newThread(client);
      const id = await assistant(configurable({ a: 'assistant' }));
      expect((await given(configurable({ b: 'request' }), id)).factory).toMatchObject({
        a: 'assistant',
        b: 'request',
        thread_id,
        graph_id: 'settings',
      });
    });

    it('shapes the graph of each run anew', async () => {
      thread_id = await newThread(client);
      for (const node of ['first', 'second']) {
        await client.runs.wait(thread_id, 'dynamic', { input: {}, ...configurable({ node }) });
      }
      expect((await client.threads.getState(thread_id)).values).toEqual({ path: ['first', 'second'] });
    });

    it('builds the graph for a state update as for the last run', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'dynamic', { input: {}, ...configurable({ node: 'special' }) });
      await client.threads.updateState(thread_id, { values: { path: ['by hand'] }, asNode: 'special' });
      expect((await client.threads.getState(thread_id)).values).toEqual({ path: ['special', 'by hand'] });
      const wrong = client.threads.updateState(thread_id, { values: { path: ['x'] }, asNode: 'unnamed' });
      await expect(wrong).rejects.toMatchObject(refusal(422, 'invalid_state_update'));
    });
  });

  it('is not changed for a running run by one that waits behind it', async () => {
    thread_id = await newThread(client);
    const { gate } = await startWaiting(client, thread_id, configurable({ model: 'first' }));
    const { run_id } = await client.runs.create(thread_id, 'settings', {
      input: {},
      ...configurable({ model: '2nd' }),
    });
    const busy = await client.threads.get(thread_id);
    expect(busy.config).toMatchObject({ configurable: { model: 'first' } });
    expect(busy.metadata).toMatchObject({ graph_id: 'waiting' });
    gate.open();
    expect(await client.runs.join(thread_id, run_id)).toMatchObject({ configurable: { model: '2nd' } });
  });

  it('is the current version of the assistant', async () => {
    thread_id = await newThread(client);
    const id = await assistant(configurable({ model: 'v1' }));
    await client.assistants.update(id, configurable({ model: 'v2' }));
    expect((await given({}, id)).configurable).toMatchObject({ model: 'v2' });
    await client.assistants.setLatest(id, 1);
    thread_id = await newThread(client);
    expect((await given({}, id)).configurable).toMatchObject({ model: 'v1' });
  });

  it('comes from LANGGRAPH_CONFIG for the assistants of the system', async () => {
    expect(await client.assistants.get('commonjs')).toMatchObject({
      context: { tone: 'kind' },
      config: { tags: ['default'], configurable: { model: 'small' } },
    });
    expect(await client.assistants.get('steps')).toMatchObject({ context: {}, config: {} });
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  type Gate,
  human,
  names,
  newGate,
  readUntil,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

const ALL = { path: ['one', 'two', 'three'] };

const server = serverForFile();

describe.each(SDKS)('stateless runs with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** A background run inside its node `wait`; its reader has left. */
  const startWaiting = async (): Promise<{ run_id: string; thread_id: string; gate: Gate }> => {
    const gate = newGate();
    const input = { gate: gate.path, label: 'a' };
    const run = await client.runs.create(null, 'waiting', { input, streamMode: 'custom' });
    await readUntil(client.runs.joinStream(null, run.run_id), 'custom');
    return { ...run, gate };
  };

  describe('waited for', () => {
    it('return the final state', async () => {
      expect(await client.runs.wait(null, 'steps', { input: {} })).toEqual(ALL);
    });

    it('return messages as plain objects', async () => {
      const { messages } = (await client.runs.wait(null, 'echo', { input: { messages: [human('hi')] } })) as {
        messages: object[];
      };
      expect(messages).toMatchObject([{ type: 'human', content: 'hi', id: expect.any(String) }]);
    });

    it('return an object even if the graph has no state', async () => {
      expect(await client.runs.wait(null, 'ask', { input: {}, interruptBefore: ['ask'] })).toEqual({
        __interrupt__: [],
      });
    });

    it('return the interrupt of the graph', async () => {
      expect(await client.runs.wait(null, 'ask', { input: { question: 'why?' } })).toEqual({
        question: 'why?',
        __interrupt__: [{ id: expect.any(String), value: { question: 'why?' } }],
      });
    });

    it.each(['text', 7, true, null, ['a', 'b'], { text: 'a' }])(
      'return what a workflow returns, in an object where the SDK needs one (%j)',
      async (give) => {
        const isContainer = typeof give === 'object' && give !== null;
        const expected = isContainer ? give : give === null ? {} : { __end__: give };
        expect(await client.runs.wait(null, 'returning', { input: { give } })).toEqual(expected);
        const { thread_id } = await client.threads.create();
        expect(await client.runs.wait(thread_id, 'returning', { input: { give } })).toEqual(expected);
        const [{ run_id }] = await client.runs.list(thread_id);
        expect(await client.runs.join(thread_id, run_id)).toEqual(expected);
      },
    );

    it('throw the error of the graph with its class name', async () => {
      await expect(client.runs.wait(null, 'failing', { input: {} })).rejects.toThrow(/^CoffeeError: out of beans$/);
    });

    it('return the error of the graph with raiseError false', async () => {
      expect(await client.runs.wait(null, 'failing', { input: {}, raiseError: false })).toEqual({
        __error__: { error: 'CoffeeError', message: 'out of beans' },
      });
    });

    it('stop at the recursion limit', async () => {
      const payload = { input: {}, config: { recursion_limit: 2 } };
      await expect(client.runs.wait(null, 'steps', payload)).rejects.toThrow(/^GraphRecursionError: /);
      expect(await client.runs.wait(null, 'steps', { input: {}, config: { recursion_limit: 4 } })).toEqual(ALL);
    });

    it('report the run to the client once, without a thread', async () => {
      const told: object[] = [];
      await client.runs.wait(null, 'steps', { input: {}, onRunCreated: (run) => told.push(run) });
      expect(told).toEqual([{ run_id: expect.any(String), thread_id: undefined }]);
    });

    it('can be joined again at the Location of the response', async () => {
      const { client: recording, responses } = recordingClient(Client, server.url);
      let run_id = '';
      await recording.runs.wait(null, 'steps', { input: {}, onRunCreated: (run) => (run_id = run.run_id) });
      expect(Object.fromEntries(responses[0].headers)).toMatchObject({
        'content-location': `/runs/${run_id}`,
        location: `/runs/${run_id}/join`,
      });
      const again = await fetch(`${server.url}/runs/${run_id}/join`);
      expect(await again.json()).toEqual(ALL);
    });
  });

  describe('streamed', () => {
    it('carry their events and headers', async () => {
      const { client: recording, responses } = recordingClient(Client, server.url);
      const told: object[] = [];
      const payload = { input: {}, streamMode: 'updates' as const, onRunCreated: (run: object) => told.push(run) };
      const parts = await collect(recording.runs.stream(null, 'steps', payload));
      expect(names(parts)).toEqual(['metadata', 'updates', 'updates', 'updates']);
      const { run_id } = parts[0].data as { run_id: string };
      expect(told).toEqual([{ run_id, thread_id: undefined }]);
      expect(Object.fromEntries(responses[0].headers)).toMatchObject({
        'content-location': `/runs/${run_id}`,
        location: `/runs/${run_id}/stream`,
      });
    });

    it('are joined without the id of a thread', async () => {
      const { run_id, gate } = await startWaiting();
      const joined = collect(client.runs.joinStream(null, run_id, { lastEventId: '-1' }));
      gate.open();
      expect(names(await joined)).toEqual(['metadata', 'custom']);
    });

    it('continue when a reader disconnects', async () => {
      const { run_id, gate } = await startWaiting();
      gate.open();
      const result = await fetch(`${server.url}/runs/${run_id}/join`);
      expect(await result.json()).toMatchObject({ order: ['a:start', 'a:end'] });
    });

    it('can be read again after their end when they are resumable', async () => {
      let run_id = '';
      const original = await collect(
        client.runs.stream(null, 'steps', {
          input: {},
          streamResumable: true,
          onRunCreated: (run) => (run_id = run.run_id),
        }),
      );
      expect(original.map(({ id }) => id)).toEqual(original.map((_part, i) => String(i)));
      expect(await collect(client.runs.joinStream(null, run_id, { lastEventId: '-1' }))).toEqual(original);
      expect(await collect(client.runs.joinStream(null, run_id, { lastEventId: '1' }))).toEqual(original.slice(2));
    });

    it('show the interrupts of subgraphs', async () => {
      const payload = { input: {}, streamMode: 'updates' as const, streamSubgraphs: true };
      const parts = await collect(client.runs.stream(null, 'nested', payload));
      expect(names(parts).some((name) => name.startsWith('updates|child:'))).toBe(true);
      expect(parts.at(-1)).toMatchObject({ event: 'updates', data: { __interrupt__: [{ value: 'inner?' }] } });
    });

    it('end with the error of the graph', async () => {
      const parts = await collect(client.runs.stream(null, 'failing', { input: {} }));
      expect(parts.at(-1)).toEqual({ event: 'error', data: { error: 'CoffeeError', message: 'out of beans' } });
    });

    it('that do not exist return 404', async () => {
      await expect(collect(client.runs.joinStream(null, randomUUID()))).rejects.toMatchObject(
        refusal(404, 'run_not_found'),
      );
    });
  });

  describe('on threads of their own', () => {
    it.each([[undefined], ['delete']])('are deleted with their thread after their end (%s)', async (onCompletion) => {
      const mark = randomUUID();
      const payload = { input: {}, metadata: { mark }, onCompletion: onCompletion as never };
      const { run_id, thread_id } = await client.runs.create(null, 'steps', payload);
      await (await fetch(`${server.url}/runs/${run_id}/join`)).text();
      const missing = refusal(404, 'thread_not_found');
      await expect(client.threads.get(thread_id)).rejects.toMatchObject(missing);
      await expect(client.threads.getState(thread_id)).rejects.toMatchObject(missing);
      await expect(client.threads.getHistory(thread_id)).rejects.toMatchObject(missing);
      await expect(client.threads.update(thread_id, { metadata: {} })).rejects.toMatchObject(missing);
      await expect(client.threads.updateState(thread_id, { values: {} })).rejects.toMatchObject(missing);
      await expect(client.threads.delete(thread_id)).rejects.toMatchObject(missing);
      await expect(client.runs.list(thread_id)).rejects.toMatchObject(missing);
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject({ status: 404 });
      await expect(client.runs.create(thread_id, 'steps', { input: {} })).rejects.toMatchObject(missing);
      expect(await client.threads.search({ metadata: { mark } })).toEqual([]);
      expect(await client.threads.search({ ids: [thread_id] })).toEqual([]);
      expect(await client.threads.count({ metadata: { mark } })).toBe(0);
    });

    it('are hidden while they run', async () => {
      const { thread_id, gate } = await startWaiting();
      await expect(client.threads.get(thread_id)).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.count({ status: 'busy' })).toBe(0);
      await expect(client.runs.create(thread_id, 'steps', { input: {} })).rejects.toMatchObject({ status: 404 });
      gate.open();
    });

    it('can be cancelled by the ids they were created with', async () => {
      const { run_id, thread_id } = await startWaiting();
      const streamed = collect(client.runs.joinStream(null, run_id, { lastEventId: '-1' }));
      await client.runs.cancel(thread_id, run_id, true);
      expect(names(await streamed)).toEqual(['metadata', 'custom']);
    });

    /** The thread that a run with this payload leaves. */
    const kept = async (graph: string, input: Record<string, unknown>, onCompletion: string) => {
      const mark = randomUUID();
      await client.runs.wait(null, graph, { input, metadata: { mark }, onCompletion } as never);
      const threads = await client.threads.search({ metadata: { mark } });
      expect(threads).toHaveLength(1);
      return threads[0];
    };

    it.each(['keep', 'continue', 'complete'])('are kept as normal threads on request (%s)', async (onCompletion) => {
      const { thread_id, ...thread } = await kept('steps', {}, onCompletion);
      expect(thread).toMatchObject({ status: 'idle', values: ALL, metadata: { graph_id: 'steps' } });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(5);
      expect(await client.runs.list(thread_id)).toMatchObject([{ status: 'success' }]);
    });

    it('can be resumed when they are kept', async () => {
      const { thread_id } = await kept('ask', { question: 'why?' }, 'keep');
      const answer = { question: 'why?', answer: 'because' };
      expect(await client.runs.wait(thread_id, 'ask', { command: { resume: 'because' } })).toEqual(answer);
    });
  });

  it('created in the background show their parameters', async () => {
    const { client: recording, responses } = recordingClient(Client, server.url);
    const run = await recording.runs.create(null, 'steps', { input: { path: ['a'] }, streamMode: 'updates' });
    expect(run).toMatchObject({
      run_id: expect.any(String),
      thread_id: expect.any(String),
      assistant_id: (await client.assistants.get('steps')).assistant_id,
      kwargs: { input: { path: ['a'] }, stream_mode: ['updates'], temporary: true },
    });
    expect(responses[0].headers.get('content-location')).toBe(`/runs/${run.run_id}`);
  });

  it('run concurrently', async () => {
    const results = await Promise.all(
      Array.from({ length: 30 }, (_unused, i) => client.runs.wait(null, 'steps', { input: { path: [String(i)] } })),
    );
    expect(results).toEqual(results.map((_result, i) => ({ path: [String(i), ...ALL.path] })));
  });

  it('of an unknown assistant are rejected', async () => {
    const missing = refusal(404, 'assistant_not_found');
    for (const id of [randomUUID(), 'nowhere']) {
      await expect(client.runs.create(null, id, { input: {} })).rejects.toMatchObject(missing);
      await expect(client.runs.wait(null, id, { input: {} })).rejects.toMatchObject(missing);
      await expect(collect(client.runs.stream(null, id, { input: {} }))).rejects.toMatchObject(missing);
    }
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
} from '../support/sdk.js';

type Payload = NonNullable<Parameters<Client['runs']['create']>[2]>;
type WaitPayload = NonNullable<Parameters<Client['runs']['wait']>[2]>;

const ALL = { path: ['one', 'two', 'three'] };
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)$/;

const server = serverForFile();

describe.each(SDKS)('runs on threads with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** A run that has come to its end. */
  const finished = async (on: string, graph = 'steps', payload: Payload = { input: {} }): Promise<string> => {
    const { run_id } = await client.runs.create(on, graph, payload);
    await client.runs.join(on, run_id);
    return run_id;
  };

  const checkpointsOf = async (thread: string): Promise<number> => (await client.threads.getHistory(thread)).length;

  describe('created', () => {
    it('return at once with their parameters', async () => {
      thread_id = await newThread(client);
      const { client: recording, responses } = recordingClient(Client, server.url);
      const told: object[] = [];
      const run = await recording.runs.create(thread_id, 'steps', {
        input: { path: ['a'] },
        metadata: { mine: true },
        streamMode: ['updates', 'values'],
        interruptBefore: ['three'],
        interruptAfter: '*',
        streamSubgraphs: true,
        streamResumable: true,
        durability: 'sync',
        context: { tone: 'kind' },
        onRunCreated: (created) => told.push(created),
      });
      expect(run).toEqual({
        run_id: expect.any(String),
        thread_id,
        assistant_id: (await client.assistants.get('steps')).assistant_id,
        status: expect.stringMatching(/^(pending|running)$/),
        metadata: expect.objectContaining({ mine: true, graph_id: 'steps' }),
        multitask_strategy: 'enqueue',
        cancel_reason: null,
        created_at: expect.stringMatching(TIMESTAMP),
        updated_at: expect.stringMatching(TIMESTAMP),
        kwargs: expect.objectContaining({
          input: { path: ['a'] },
          stream_mode: ['updates', 'values'],
          interrupt_before: ['three'],
          interrupt_after: '*',
          subgraphs: true,
          resumable: true,
          temporary: false,
          durability: 'sync',
          context: { tone: 'kind' },
        }),
      });
      expect(told).toEqual([{ run_id: run.run_id, thread_id }]);
      expect(responses[0].headers.get('content-location')).toBe(`/threads/${thread_id}/runs/${run.run_id}`);
      await client.runs.join(thread_id, run.run_id);
    });

    it('make their thread busy, and after their end idle with the new state', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'running' });
      gate.open();
      await client.runs.join(thread_id, run_id);
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ status: 'success' });
      expect(await client.threads.get(thread_id)).toMatchObject({
        status: 'idle',
        values: { order: ['a:start', 'a:end'] },
      });
    });

    it('continue from the state of their thread', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      expect(await client.runs.wait(thread_id, 'steps', { input: { path: ['again'] } })).toEqual({
        path: [...ALL.path, 'again', ...ALL.path],
      });
    });

    it('need an existing thread', async () => {
      const missing = refusal(404, 'thread_not_found');
      const id = randomUUID();
      await expect(client.runs.create(id, 'steps', { input: {} })).rejects.toMatchObject(missing);
      await expect(client.runs.wait(id, 'steps', { input: {} })).rejects.toMatchObject(missing);
      await expect(collect(client.runs.stream(id, 'steps', { input: {} }))).rejects.toMatchObject(missing);
      await expect(client.runs.wait(id, 'steps', { input: {}, ifNotExists: 'reject' })).rejects.toMatchObject(missing);
      await expect(client.threads.get(id)).rejects.toMatchObject(missing);
    });

    it('create their thread on request, with their metadata', async () => {
      const id = randomUUID();
      const payload = { input: {}, ifNotExists: 'create' as const, metadata: { mine: true } };
      expect(await client.runs.wait(id, 'steps', payload)).toEqual(ALL);
      const { assistant_id } = await client.assistants.get('steps');
      expect((await client.threads.get(id)).metadata).toEqual({ mine: true, graph_id: 'steps', assistant_id });
    });

    it('also create their thread when they are streamed or in the background', async () => {
      const payload = { input: {}, ifNotExists: 'create' as const };
      const [streamed, created] = [randomUUID(), randomUUID()];
      await collect(client.runs.stream(streamed, 'steps', payload));
      await client.runs.join(created, (await client.runs.create(created, 'steps', payload)).run_id);
      for (const id of [streamed, created]) {
        expect(await client.threads.get(id)).toMatchObject({ status: 'idle', values: ALL });
      }
    });

    it('use an existing thread although they may create one', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      const payload = { input: {}, ifNotExists: 'create' as const, metadata: { mine: true } };
      expect(await client.runs.wait(thread_id, 'steps', payload)).toEqual({ path: [...ALL.path, ...ALL.path] });
      expect((await client.threads.get(thread_id)).metadata).not.toHaveProperty('mine');
    });

    it('of an unknown assistant are rejected, and their thread stays idle', async () => {
      thread_id = await newThread(client);
      const before = await client.threads.get(thread_id);
      await expect(client.runs.create(thread_id, 'nowhere', { input: {} })).rejects.toMatchObject(
        refusal(404, 'assistant_not_found'),
      );
      expect(await client.threads.get(thread_id)).toEqual(before);
      const id = randomUUID();
      const payload = { input: {}, ifNotExists: 'create' as const };
      await expect(client.runs.create(id, 'nowhere', payload)).rejects.toMatchObject({ status: 404 });
      await expect(client.threads.get(id)).rejects.toMatchObject({ status: 404 });
    });

    it.each([
      ['config', { config: 'none' }, 'config'],
      ['config', { config: { configurable: [] } }, 'config'],
      ['limit', { config: { recursion_limit: 'many' } }, 'config'],
      ['tags', { config: { tags: 'one' } }, 'config'],
      ['nodes', { interruptBefore: 'one' }, 'interrupt_before'],
      ['nodes', { interruptAfter: [1] }, 'interrupt_after'],
      ['metadata', { metadata: [] }, 'metadata'],
      ['durability', { durability: 'never' }, 'durability'],
      ['strategy', { multitaskStrategy: 'hope' }, 'multitask_strategy'],
      ['command', { command: { goto: 7 } }, 'command'],
      ['command', { command: { update: 7 } }, 'command'],
      ['checkpoint', { checkpoint: 'x' }, 'checkpoint'],
    ])('with a wrong %s (%j) are rejected with the path of the field', async (_what, payload, path) => {
      thread_id = await newThread(client);
      const problem = await client.runs.create(thread_id, 'steps', payload as never).catch((error: unknown) => error);
      expect(problem).toMatchObject(refusal(422, 'validation_failed'));
      const { errors } = JSON.parse((problem as { text: string }).text) as { errors: { path: string }[] };
      expect(new Set(errors.map((error) => error.path.split('.')[0]))).toEqual(new Set([path]));
      expect(await client.runs.list(thread_id)).toEqual([]);
    });
  });

  describe('waited for and joined', () => {
    it('return the same result', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const answers = [client.runs.join(thread_id, run_id), client.runs.join(thread_id, run_id)];
      gate.open();
      const [first, second] = await Promise.all(answers);
      expect(first).toMatchObject({ order: ['a:start', 'a:end'] });
      expect(second).toEqual(first);
      expect(await client.runs.join(thread_id, run_id)).toEqual(first);
    });

    it('return the same result to clients that join after later runs', async () => {
      thread_id = await newThread(client);
      const first = await client.runs.create(thread_id, 'steps', { input: { path: ['a'] } });
      const second = await client.runs.create(thread_id, 'steps', { input: { path: ['b'] } });
      const [a, b] = [['a', ...ALL.path], ['b', ...ALL.path]]; // prettier-ignore
      expect(await client.runs.join(thread_id, second.run_id)).toEqual({ path: [...a, ...b] });
      expect(await client.runs.join(thread_id, first.run_id)).toEqual({ path: a });
    });

    it('return the same result to clients that join after runs of another graph', async () => {
      thread_id = await newThread(client);
      const asked = await client.runs.create(thread_id, 'ask', { input: { question: 'go?' } });
      const answer = await client.runs.join(thread_id, asked.run_id);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      expect(await client.runs.join(thread_id, asked.run_id)).toEqual(answer);
    });

    it('can be joined at the Location of the response', async () => {
      thread_id = await newThread(client);
      const { client: recording, responses } = recordingClient(Client, server.url);
      await recording.runs.wait(thread_id, 'steps', { input: {} });
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(Object.fromEntries(responses[0].headers)).toMatchObject({
        'content-location': `/threads/${thread_id}/runs/${run_id}`,
        location: `/threads/${thread_id}/runs/${run_id}/join`,
      });
    });

    it('report the run to the client exactly once', async () => {
      thread_id = await newThread(client);
      const told: object[] = [];
      await client.runs.wait(thread_id, 'steps', { input: {}, onRunCreated: (run) => told.push(run) });
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(told).toEqual([{ run_id, thread_id }]);
    });

    it('throw the error of the graph with its class name, and return it to clients that join', async () => {
      thread_id = await newThread(client);
      await expect(client.runs.wait(thread_id, 'failing', { input: {} })).rejects.toThrow(
        /^CoffeeError: out of beans$/,
      );
      const [{ run_id, status }] = await client.runs.list(thread_id);
      expect(status).toBe('error');
      expect(await client.runs.join(thread_id, run_id)).toEqual({
        __error__: { error: 'CoffeeError', message: 'out of beans' },
      });
    });

    it('return 404 when they do not exist', async () => {
      thread_id = await newThread(client);
      await expect(client.runs.join(thread_id, randomUUID())).rejects.toMatchObject(refusal(404, 'run_not_found'));
      await expect(client.runs.join(randomUUID(), randomUUID())).rejects.toMatchObject({ status: 404 });
    });
  });

  describe('that fail', () => {
    it('leave an error on their thread, with the state up to it', async () => {
      thread_id = await newThread(client);
      await finished(thread_id, 'failing');
      const thread = await client.threads.get(thread_id);
      expect(thread).toMatchObject({
        status: 'error',
        values: { started: true },
        error: { error: 'CoffeeError', message: 'out of beans' },
      });
    });

    it('leave a thread from which other runs can continue', async () => {
      thread_id = await newThread(client);
      await finished(thread_id, 'failing');
      expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toMatchObject({ path: ALL.path });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', error: null });
    });

    it('at the recursion limit name that error', async () => {
      thread_id = await newThread(client);
      const payload = { input: {}, config: { recursion_limit: 2 } };
      await expect(client.runs.wait(thread_id, 'steps', payload)).rejects.toThrow(/^GraphRecursionError: /);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'error' });
    });
  });

  describe('from a checkpoint', () => {
    it.each(['checkpoint', 'checkpointId'])('given as %s start there', async (parameter) => {
      thread_id = await newThread(client);
      await finished(thread_id);
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const at = parameter === 'checkpoint' ? past.checkpoint : past.checkpoint.checkpoint_id;
      expect(await client.runs.wait(thread_id, 'steps', { input: null, [parameter]: at })).toEqual(ALL);
      expect(await client.runs.wait(thread_id, 'steps', { input: { path: ['x'] }, [parameter]: at })).toEqual({
        path: ['one', 'x', ...ALL.path],
      });
    });

    it('continue the newest branch without a requested checkpoint', async () => {
      thread_id = await newThread(client);
      await finished(thread_id);
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const { checkpoint_id } = past.checkpoint;
      await client.runs.wait(thread_id, 'steps', { input: { path: ['x'] }, checkpointId: checkpoint_id! });
      expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toEqual({
        path: ['one', 'x', ...ALL.path, ...ALL.path],
      });
    });
  });

  describe('with null as input', () => {
    it('resume the remaining tasks', async () => {
      thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {}, interruptBefore: ['two'] });
      expect(await client.runs.wait(thread_id, 'steps', { input: null })).toEqual(ALL);
    });

    it('change nothing when no task remains', async () => {
      thread_id = await newThread(client);
      await finished(thread_id);
      await client.runs.wait(thread_id, 'steps', { input: null });
      expect((await client.threads.getState(thread_id)).values).toEqual(ALL);
    });
  });

  describe('write checkpoints', () => {
    it.each([
      ['after each step by default', {}, 5],
      ['after each step with durability async', { durability: 'async' }, 5],
      ['after each step with durability sync', { durability: 'sync' }, 5],
      ['once, at their end, with durability exit', { durability: 'exit' }, 1],
      ['once, at their end, when they are not to write them meanwhile', { checkpointDuring: false }, 1],
      ['after each step when they are to write them meanwhile', { checkpointDuring: true }, 5],
      ['as durability says when both are given', { checkpointDuring: false, durability: 'sync' }, 5],
    ] as [string, WaitPayload, number][])('%s', async (_when, payload, count) => {
      thread_id = await newThread(client);
      expect(await client.runs.wait(thread_id, 'steps', { input: {}, ...payload })).toEqual(ALL);
      expect(await checkpointsOf(thread_id)).toBe(count);
      expect((await client.threads.getState(thread_id)).values).toEqual(ALL);
    });

    it('before the next superstep with durability sync, so that a client that sees a step can read it', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id, { durability: 'sync' });
      const state = await client.threads.getState(thread_id);
      expect(state).toMatchObject({ values: { order: ['a:start'] }, next: ['wait'] });
      gate.open();
      await client.runs.join(thread_id, run_id);
    });

    it('not before their end with durability exit', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id, { durability: 'exit' });
      expect(await checkpointsOf(thread_id)).toBe(0);
      gate.open();
      await client.runs.join(thread_id, run_id);
      expect(await checkpointsOf(thread_id)).toBe(1);
    });

    it('at an interrupt with durability exit, and can be resumed', async () => {
      thread_id = await newThread(client);
      const payload = { durability: 'exit' as const };
      await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' }, ...payload });
      expect(await checkpointsOf(thread_id)).toBe(1);
      expect(await client.runs.wait(thread_id, 'ask', { command: { resume: 'so' }, ...payload })).toEqual({
        question: 'why?',
        answer: 'so',
      });
    });
  });

  describe('listed', () => {
    const ids: string[] = [];

    beforeAll(async () => {
      thread_id = await newThread(client);
      ids.length = 0;
      for (const graph of ['steps', 'failing', 'steps']) {
        ids.unshift(await finished(thread_id, graph));
      }
    });

    const list = async (options?: Parameters<Client['runs']['list']>[1]) =>
      (await client.runs.list(thread_id, options)).map(({ run_id }) => run_id);

    it('come newest first', async () => {
      expect(await list()).toEqual(ids);
    });

    it('come in pages', async () => {
      expect(await list({ limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await list({ limit: 2, offset: 2 })).toEqual(ids.slice(2));
      expect(await list({ offset: 3 })).toEqual([]);
      await expect(list({ limit: 0 })).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });

    it('are filtered by status', async () => {
      expect(await list({ status: 'error' })).toEqual([ids[1]]);
      expect(await list({ status: 'success' })).toEqual([ids[0], ids[2]]);
      expect(await list({ status: 'running' })).toEqual([]);
      await expect(list({ status: 'asleep' as never })).rejects.toMatchObject({ status: 422 });
    });

    it('have only the selected fields', async () => {
      const [run] = await client.runs.list(thread_id, { limit: 1, select: ['status', 'metadata'] });
      expect(Object.keys(run).sort()).toEqual(['metadata', 'status']);
      await expect(list({ select: ['colour' as never] })).rejects.toMatchObject({ status: 422 });
    });

    it('are only the runs of the thread', async () => {
      expect(await client.runs.list(await newThread(client))).toEqual([]);
      await expect(client.runs.list(randomUUID())).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    });

    it('do not show leases, attempts and stored results', async () => {
      const [run] = await client.runs.list(thread_id);
      expect(Object.keys(run).sort()).toEqual([
        'assistant_id',
        'cancel_reason',
        'created_at',
        'kwargs',
        'metadata',
        'multitask_strategy',
        'run_id',
        'status',
        'thread_id',
        'updated_at',
      ]);
    });
  });

  describe('read', () => {
    it('are found on their own thread only', async () => {
      thread_id = await newThread(client);
      const run_id = await finished(thread_id);
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ run_id, thread_id, status: 'success' });
      const missing = refusal(404, 'run_not_found');
      await expect(client.runs.get(await newThread(client), run_id)).rejects.toMatchObject(missing);
      await expect(client.runs.get(thread_id, randomUUID())).rejects.toMatchObject(missing);
      await expect(client.runs.get(thread_id, 'mine')).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });
  });

  describe('deleted', () => {
    it('are deleted with the checkpoints they wrote', async () => {
      thread_id = await newThread(client);
      const first = await finished(thread_id);
      const second = await finished(thread_id);
      expect(await checkpointsOf(thread_id)).toBe(10);
      await client.runs.delete(thread_id, second);
      const missing = refusal(404, 'run_not_found');
      await expect(client.runs.get(thread_id, second)).rejects.toMatchObject(missing);
      await expect(client.runs.delete(thread_id, second)).rejects.toMatchObject(missing);
      expect((await client.runs.list(thread_id)).map(({ run_id }) => run_id)).toEqual([first]);
      expect(await checkpointsOf(thread_id)).toBe(5);
      expect((await client.threads.getState(thread_id)).values).toEqual(ALL);
    });

    it('restore the thread to the state that the run before them left', async () => {
      thread_id = await newThread(client);
      const rowOf = async () => {
        const { status, values, interrupts, metadata } = await client.threads.get(thread_id);
        return { status, values, interrupts, graph_id: metadata?.graph_id };
      };
      const rows: object[] = [{ ...(await rowOf()), graph_id: 'steps' }];
      const run_ids: string[] = [];
      for (const graph of ['steps', 'ask', 'failing', 'steps']) {
        const { run_id } = await client.runs.create(thread_id, graph, { input: {} });
        await client.runs.join(thread_id, run_id).catch(() => undefined);
        rows.push(await rowOf());
        run_ids.push(run_id);
      }
      for (const run_id of run_ids.reverse()) {
        rows.pop();
        await client.runs.delete(thread_id, run_id);
        expect(await rowOf()).toEqual(rows.at(-1));
      }
    });

    it('may be older than the state of the thread', async () => {
      thread_id = await newThread(client);
      const first = await finished(thread_id);
      await client.runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
      const before = await client.threads.get(thread_id);
      await client.runs.delete(thread_id, first);
      expect(await client.threads.get(thread_id)).toEqual(before);
    });

    it('must have ended', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const pending = await client.runs.create(thread_id, 'steps', { input: {} });
      const active = refusal(409, 'run_active');
      await expect(client.runs.delete(thread_id, run_id)).rejects.toMatchObject(active);
      await expect(client.runs.delete(thread_id, pending.run_id)).rejects.toMatchObject(active);
      gate.open();
      await client.runs.join(thread_id, pending.run_id);
      await client.runs.delete(thread_id, run_id);
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject({ status: 404 });
    });

    it('must be on the requested thread', async () => {
      thread_id = await newThread(client);
      const run_id = await finished(thread_id);
      await expect(client.runs.delete(await newThread(client), run_id)).rejects.toMatchObject({ status: 404 });
      expect(await client.runs.get(thread_id, run_id)).toMatchObject({ run_id });
    });
  });
});

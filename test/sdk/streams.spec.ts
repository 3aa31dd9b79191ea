import { beforeAll, describe, expect, it } from '@jest/globals';
import { framesOf } from '../support/frames.js';
import {
  type Client,
  collect,
  connect,
  dataOf,
  human,
  names,
  newThread,
  type Part,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
  untilAnswered,
} from '../support/sdk.js';

type Mode = NonNullable<NonNullable<Parameters<Client['runs']['create']>[2]>['streamMode']>;

const server = serverForFile();

describe.each(SDKS)('streams with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** The events of a run on a new thread, without `metadata`. */
  const stream = async (
    graph: string,
    streamMode: Mode | undefined,
    payload: object = {},
    input: Record<string, unknown> = {},
  ): Promise<Part[]> => {
    const thread_id = await newThread(client);
    const [first, ...rest] = await collect(client.runs.stream(thread_id, graph, { input, streamMode, ...payload }));
    expect(first.event).toBe('metadata');
    return rest;
  };

  const hello = { messages: [human('hi')] };

  describe('start', () => {
    it('with the id of the run and the number of the attempt', async () => {
      const thread_id = await newThread(client);
      const [first] = await collect(client.runs.stream(thread_id, 'steps', { input: {} }));
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(first).toMatchObject({ event: 'metadata', data: { run_id, attempt: 1 } });
    });

    it('after the client has received the run id, exactly once', async () => {
      const thread_id = await newThread(client);
      const told: object[] = [];
      await collect(client.runs.stream(thread_id, 'steps', { input: {}, onRunCreated: (run) => told.push(run) }));
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(told).toEqual([{ run_id, thread_id }]);
    });

    it('with the headers that clients need to reconnect', async () => {
      const { client: recording, responses } = recordingClient(Client, server.url);
      const thread_id = await newThread(client);
      await collect(recording.runs.stream(thread_id, 'steps', { input: {} }));
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(Object.fromEntries(responses[0].headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'content-location': `/threads/${thread_id}/runs/${run_id}`,
        location: `/threads/${thread_id}/runs/${run_id}/stream`,
      });
    });
  });

  describe('of one mode', () => {
    it('values: the state after the input and after each step', async () => {
      expect(await stream('steps', 'values', {}, { path: ['given'] })).toEqual([
        { event: 'values', data: { path: ['given'] } },
        { event: 'values', data: { path: ['given', 'one'] } },
        { event: 'values', data: { path: ['given', 'one', 'two'] } },
        { event: 'values', data: { path: ['given', 'one', 'two', 'three'] } },
      ]);
    });

    it('values is the default for no mode or an empty list', async () => {
      expect(await stream('steps', undefined)).toEqual(await stream('steps', 'values'));
      expect(await stream('steps', [])).toEqual(await stream('steps', 'values'));
    });

    it('updates: what each node returned', async () => {
      expect(await stream('steps', 'updates')).toEqual([
        { event: 'updates', data: { one: { path: ['one'] } } },
        { event: 'updates', data: { two: { path: ['two'] } } },
        { event: 'updates', data: { three: { path: ['three'] } } },
      ]);
    });

    it('updates: parallel nodes have separate events', async () => {
      const parts = await stream('parallel', 'updates', {}, { answers: ['given'] });
      expect(names(parts)).toEqual(['updates', 'updates', 'updates']);
      expect(parts.map(({ data }) => Object.keys(data as object)[0]).sort()).toEqual(['join', 'left', 'right']);
    });

    it('custom: what the graph writes', async () => {
      expect(await stream('steps', 'custom')).toEqual([
        { event: 'custom', data: { at: 'one' } },
        { event: 'custom', data: { at: 'two' } },
        { event: 'custom', data: { at: 'three' } },
      ]);
    });

    it('messages-tuple: each token with its origin', async () => {
      const parts = await stream('tokens', 'messages-tuple', {}, hello);
      expect(new Set(names(parts))).toEqual(new Set(['messages']));
      const tuples = dataOf(parts, 'messages') as [Record<string, unknown>, Record<string, unknown>][];
      const contents = tuples.map(([{ content }]) => content);
      expect(contents.filter((content) => content !== '')).toEqual(['one ', 'two ', 'three ', 'four ', 'five']);
      expect(new Set(tuples.map(([{ id }]) => id)).size).toBe(1);
      for (const [message, metadata] of tuples) {
        expect(message).toMatchObject({ type: expect.stringMatching(/^(ai|AIMessageChunk)$/), tool_calls: [] });
        expect(message).not.toHaveProperty('lc');
        expect(metadata).toMatchObject({
          langgraph_node: 'model',
          langgraph_step: 1,
          graph_id: 'tokens',
          run_attempt: 1,
          run_id: expect.any(String),
          thread_id: expect.any(String),
          assistant_id: expect.any(String),
          langgraph_checkpoint_ns: expect.stringMatching(/^model:/),
        });
      }
    });

    it('messages: each message as it accumulates, and when it is complete', async () => {
      const parts = await stream('tokens', 'messages', {}, hello);
      expect(names(parts)[0]).toBe('messages/complete');
      expect(parts[0].data).toMatchObject([{ type: 'human', content: 'hi' }]);
      const [, announced, ...rest] = parts;
      const [[id, about]] = Object.entries(announced.data as Record<string, { metadata: object }>);
      expect(announced.event).toBe('messages/metadata');
      expect(about.metadata).toMatchObject({ langgraph_node: 'model', graph_id: 'tokens' });
      const grown = dataOf(parts, 'messages/partial').map((data) => (data as { id: string; content: string }[])[0]);
      expect(new Set(grown.map((message) => message.id))).toEqual(new Set([id]));
      expect([...new Set(grown.map(({ content }) => content))]).toEqual([
        'one ',
        'one two ',
        'one two three ',
        'one two three four ',
        'one two three four five',
      ]);
      expect(rest.at(-1)).toMatchObject({
        event: 'messages/complete',
        data: [{ id, type: expect.stringMatching(/^(ai|AIMessageChunk)$/), content: 'one two three four five' }],
      });
      expect(new Set(names(parts))).toEqual(new Set(['messages/complete', 'messages/metadata', 'messages/partial']));
    });

    it('messages: a message that was not streamed is complete at once, and only once', async () => {
      const parts = await stream('echo', 'messages', {}, hello);
      const complete = dataOf(parts, 'messages/complete').flat() as { id: string }[];
      expect(complete).toMatchObject([{ type: 'human', content: 'hi' }]);
      expect(names(parts)).not.toContain('messages/partial');
    });

    it('messages-tuple: a message of a model without streaming, only as a whole', async () => {
      const parts = await stream('tokens', 'messages-tuple', { config: { tags: ['nostream'] } }, hello);
      const messages = (dataOf(parts, 'messages') as [{ content: string }][]).map(([message]) => message);
      expect(messages).toMatchObject([{ content: 'one two three four five' }]);
    });

    it.each(['messages', 'messages-tuple', 'events'] as const)('%s: no event of a hidden model', async (mode) => {
      const told = JSON.stringify(await stream('tagged', mode, {}, hello));
      expect(told).toContain('said');
      expect(told).not.toContain('secret');
    });

    it('messages-tuple: a tool message, once', async () => {
      const tuples = dataOf(await stream('tools', 'messages-tuple'), 'messages') as [{ type: string }][];
      expect(tuples.map(([message]) => message).filter(({ type }) => type === 'tool')).toMatchObject([
        { content: '5', tool_call_id: 'call-1', name: 'add' },
      ]);
    });

    it('lifecycle: the start and the end of each subgraph, and the tool call that started it', async () => {
      const thread_id = await newThread(client);
      const read = async (payload: object): Promise<[event: string, namespace: string, more: object][]> => {
        const options = { streamMode: 'lifecycle' as Mode, ...payload };
        const parts = await collect(client.runs.stream(thread_id, 'agents', options));
        return parts.slice(1).map(({ event: name, data }) => {
          const { event, namespace, ...more } = data as { event: string; namespace: string[] };
          expect(name).toBe(['lifecycle', ...namespace].join('|'));
          return [event, namespace.map((part) => part.split(':')[0]).join('|'), more];
        });
      };
      const [first, second] = [{ tool_call_id: 'call-1' }, { tool_call_id: 'call-2' }];
      const told = await read({ input: { messages: [] } });
      const byTools = told.filter(([, namespace]) => namespace.startsWith('tools'));
      const started = byTools.filter(([event]) => event === 'started').map(([, ...rest]) => rest);
      expect(started).toHaveLength(4);
      expect(started).toEqual(
        expect.arrayContaining([
          ['tools', first],
          ['tools|help', {}],
          ['tools|1', second],
          ['tools|1|help', {}],
        ]),
      );
      expect(byTools.filter(([event]) => event === 'completed')).toHaveLength(4);
      const error = { error: 'TypeError', message: 'broken on purpose' };
      expect(told.slice(byTools.length)).toEqual([
        ['started', 'survive', {}],
        ['failed', 'survive', { error }],
        ['started', 'ask', {}],
        ['interrupted', 'ask', {}],
      ]);
      expect(await read({ command: { resume: 'yes' } })).toEqual([
        ['started', 'ask', {}],
        ['completed', 'ask', {}],
      ]);
    });

    it('lifecycle: around all events of a subgraph, in combination with any mode', async () => {
      const modes = ['lifecycle', 'updates', 'custom'] as Mode;
      const parts = await stream('agents', modes, { streamSubgraphs: true }, { messages: [] });
      const ofOne = parts.filter(({ event }) => /\|tools:[^|]+$/.test(event));
      expect(ofOne.map(({ event }) => event.split('|')[0])).toEqual(['lifecycle', 'updates', 'lifecycle']);
      const alone = await stream('agents', modes, {}, { messages: [] });
      expect(names(alone).filter((name) => !name.startsWith('lifecycle'))).toEqual(
        names(parts).filter((name) => name === 'updates'),
      );
    });

    it('tools: the start and the end of each call', async () => {
      const parts = await stream('tools', 'tools');
      expect(new Set(names(parts))).toEqual(new Set(['tools']));
      const calls = dataOf(parts, 'tools') as { event: string }[];
      expect(calls.map(({ event }) => event)).toEqual(['on_tool_start', 'on_tool_end']);
      expect(calls[0]).toMatchObject({ name: 'add', toolCallId: 'call-1', input: expect.anything() });
      expect(calls[1]).toMatchObject({ name: 'add', toolCallId: 'call-1', output: expect.anything() });
    });

    it('events: the calls of chain and model', async () => {
      const parts = await stream('tokens', 'events', {}, hello);
      expect(new Set(names(parts))).toEqual(new Set(['events']));
      const events = dataOf(parts, 'events') as { event: string; name: string; run_id: string }[];
      expect([...new Set(events.map(({ event }) => event))].sort()).toEqual([
        'on_chain_end',
        'on_chain_start',
        'on_chat_model_end',
        'on_chat_model_start',
        'on_chat_model_stream',
      ]);
      expect(events[0]).toMatchObject({
        event: 'on_chain_start',
        data: expect.anything(),
        tags: expect.any(Array),
        metadata: expect.objectContaining({ graph_id: 'tokens' }),
      });
      expect(events.at(-1)).toMatchObject({ event: 'on_chain_end', run_id: events[0].run_id });
    });

    it('tasks: the start and the result of each node', async () => {
      const parts = await stream('steps', 'tasks');
      expect(new Set(names(parts))).toEqual(new Set(['tasks']));
      const tasks = dataOf(parts, 'tasks') as Record<string, unknown>[];
      expect(tasks.map(({ name, input }) => [name, input ? 'start' : 'result'])).toEqual(
        ['one', 'two', 'three'].flatMap((name) => [
          [name, 'start'],
          [name, 'result'],
        ]),
      );
      const [start, result] = tasks;
      expect(start).toMatchObject({ id: expect.any(String), input: { path: [] }, triggers: ['branch:to:one'] });
      expect(result).toMatchObject({ id: start.id, interrupts: [] });
      expect(JSON.stringify(result.result)).toContain('"one"');
    });

    it('checkpoints: each checkpoint as the history shows it', async () => {
      const thread_id = await newThread(client);
      const parts = await collect(client.runs.stream(thread_id, 'steps', { input: {}, streamMode: 'checkpoints' }));
      const history = (await client.threads.getHistory(thread_id)).reverse();
      expect(names(parts)).toEqual(['metadata', ...history.map(() => 'checkpoints')]);
      expect(dataOf(parts, 'checkpoints')).toMatchObject(
        history.map(({ next, checkpoint, parent_checkpoint, metadata }) => ({
          next,
          checkpoint,
          parent_checkpoint,
          values: expect.any(Object),
          metadata: { source: metadata!.source, step: metadata!.step },
          config: { configurable: { checkpoint_id: checkpoint.checkpoint_id, thread_id } },
          parent_config: parent_checkpoint && { configurable: { checkpoint_id: parent_checkpoint.checkpoint_id } },
        })),
      );
      expect(parts.at(-1)!.data).toMatchObject({ values: { path: ['one', 'two', 'three'] }, next: [], tasks: [] });
    });

    it('debug: checkpoints, tasks and results in order', async () => {
      const thread_id = await newThread(client);
      const parts = await collect(client.runs.stream(thread_id, 'steps', { input: {}, streamMode: 'debug' }));
      const debug = dataOf(parts, 'debug') as { type: string; step: number; payload: Record<string, unknown> }[];
      expect(new Set(names(parts.slice(1)))).toEqual(new Set(['debug']));
      expect(debug.map(({ type, step }) => `${step} ${type}`)).toEqual([
        '-1 checkpoint',
        '0 checkpoint',
        ...[1, 2, 3].flatMap((step) => [`${step} task`, `${step} task_result`, `${step} checkpoint`]),
      ]);
      const shown = debug.filter(({ type }) => type === 'checkpoint').map(({ payload }) => payload);
      const history = (await client.threads.getHistory(thread_id)).reverse();
      expect(shown.map(({ checkpoint, parent_checkpoint }) => ({ checkpoint, parent_checkpoint }))).toEqual(
        history.map(({ checkpoint, parent_checkpoint }) => ({ checkpoint, parent_checkpoint })),
      );
      const configs = shown.map(({ config, parent_config }) => [config, parent_config]);
      expect(JSON.stringify(configs)).not.toMatch(/"(__\w+|callbacks|signal)":/);
      expect(debug[2]).toMatchObject({
        timestamp: expect.any(String),
        payload: { id: expect.any(String), name: 'one', input: expect.any(Object), triggers: expect.any(Array) },
      });
    });

    it('debug: starts with the last checkpoint when a run continues from it', async () => {
      const thread_id = await newThread(client);
      const run = (payload: object) =>
        collect(client.runs.stream(thread_id, 'steps', { streamMode: 'debug', ...payload }));
      const checkpoints = (parts: Part[]) =>
        (dataOf(parts, 'debug') as { type: string; payload: Record<string, unknown> }[])
          .filter(({ type }) => type === 'checkpoint')
          .map(({ payload }) => payload.checkpoint);
      const first = checkpoints(await run({ input: {}, interruptBefore: ['two'] }));
      const second = checkpoints(await run({ input: null }));
      expect(second[0]).toEqual(first.at(-1));
      const history = (await client.threads.getHistory(thread_id)).reverse();
      expect([...first, ...second.slice(1)]).toEqual(history.map(({ checkpoint }) => checkpoint));
    });

    it('an unknown mode is rejected', async () => {
      await expect(stream('steps', 'colours' as never)).rejects.toMatchObject(refusal(422, 'validation_failed'));
      await expect(stream('steps', ['values', 'colours'] as never)).rejects.toMatchObject({ status: 422 });
    });
  });

  it('contain every token, even when another listener of the model is slow', async () => {
    const input = { messages: [human('hello')] };
    const parts = await collect(client.runs.stream(null, 'chatter', { input, streamMode: 'messages-tuple' }));
    const said = dataOf(parts, 'messages').map((data) => (data as [{ content: string }])[0].content);
    expect(said).toEqual(Array.from({ length: 30 }, (_unused, i) => `${i} `));
  });

  describe('of several modes', () => {
    it('contain the events of all modes in chronological order', async () => {
      const parts = await stream('steps', ['values', 'updates', 'custom'], {}, { path: ['given'] });
      expect(names(parts)).toEqual([
        'values',
        ...['one', 'two', 'three'].flatMap(() => ['custom', 'updates', 'values']),
      ]);
    });

    it('contain messages in both forms', async () => {
      const parts = await stream('tokens', ['messages', 'messages-tuple', 'values'], {}, hello);
      expect([...new Set(names(parts))].sort()).toEqual([
        'messages',
        'messages/complete',
        'messages/metadata',
        'messages/partial',
        'values',
      ]);
      expect(names(parts.filter(({ event }) => event.startsWith('messages/'))).at(-1)).toBe('messages/complete');
    });

    it.each(['updates', 'tasks', 'checkpoints', 'debug', 'custom'] as const)(
      'with events also contain those of %s',
      async (mode) => {
        const alone = await stream('steps', mode);
        const both = await stream('steps', ['events', mode]);
        expect(new Set(names(both))).toEqual(new Set(['events', mode]));
        expect(dataOf(both, mode)).toHaveLength(alone.length);
      },
    );
  });

  describe('of subgraphs', () => {
    const withoutIds = (parts: Part[]): string[] =>
      names(parts).map((name) => name.replace(/:[0-9a-f-]{36}/g, ':<task>'));

    it('are omitted unless requested', async () => {
      const parts = await stream('nested', ['values', 'updates']);
      expect(new Set(names(parts))).toEqual(new Set(['values', 'updates']));
      expect(JSON.stringify(dataOf(parts, 'updates'))).not.toContain('inner"]');
    });

    it('are named after their origin', async () => {
      const parts = await stream('nested', 'updates', { streamSubgraphs: true });
      expect(withoutIds(parts)).toEqual([
        'updates',
        'updates|child:<task>',
        expect.stringMatching(/^updates(\|child:<task>)?$/),
        ...withoutIds(parts).slice(3),
      ]);
      expect(parts[0].data).toEqual({ before: { path: ['before'] } });
      expect(parts[1].data).toEqual({ inner: { path: ['inner'] } });
    });

    it.each(['values', 'updates', 'custom', 'tasks', 'checkpoints', 'debug'] as const)(
      'have their namespace in mode %s',
      async (mode) => {
        const parts = await stream('deep', mode, { streamSubgraphs: true });
        expect([...new Set(withoutIds(parts))].sort()).toEqual([
          mode,
          `${mode}|outer:<task>`,
          `${mode}|outer:<task>|inner:<task>`,
        ]);
      },
    );

    it('contain the task id that the state shows', async () => {
      const thread_id = await newThread(client);
      const payload = { input: {}, streamMode: 'updates' as const, streamSubgraphs: true };
      const parts = await collect(client.runs.stream(thread_id, 'nested', payload));
      const [{ id }] = (await client.threads.getState(thread_id)).tasks;
      expect(names(parts)).toContain(`updates|child:${id}`);
    });
  });

  describe('of failing runs', () => {
    it('end with the error and its class', async () => {
      const parts = await stream('failing', 'updates');
      expect(parts).toEqual([
        { event: 'updates', data: { first: { started: true } } },
        { event: 'error', data: { error: 'CoffeeError', message: 'out of beans' } },
      ]);
    });

    it('contain all events before the error', async () => {
      const stateless = client.runs.stream(null, 'lastwords', { input: {}, streamMode: 'custom' });
      const onThread = client.runs.stream(await newThread(client), 'lastwords', { input: {}, streamMode: 'custom' });
      for (const parts of await Promise.all([collect(stateless), collect(onThread)])) {
        expect(dataOf(parts, 'custom')).toEqual(['first', 'second', 'last']);
        expect(parts.at(-1)).toMatchObject({ event: 'error', data: { message: 'enough' } });
      }
    });

    it('end with the error in every mode', async () => {
      for (const mode of ['values', 'messages', 'messages-tuple', 'events', 'custom', 'debug'] as const) {
        const parts = await stream('failing', mode);
        expect(names(parts).indexOf('error')).toBe(parts.length - 1);
      }
    });

    it('report that the recursion limit has been reached', async () => {
      const parts = await stream('steps', 'updates', { config: { recursion_limit: 2 } });
      expect(parts.at(-1)).toMatchObject({ event: 'error', data: { error: 'GraphRecursionError' } });
    });
  });

  it('end with their last event, without a separate end event', async () => {
    expect((await stream('steps', 'values')).at(-1)).toEqual({
      event: 'values',
      data: { path: ['one', 'two', 'three'] },
    });
  });

  it('end only after the status of the run is final', async () => {
    for (let i = 0; i < 5; i += 1) {
      const thread_id = await newThread(client);
      await collect(client.runs.stream(thread_id, 'steps', { input: {} }));
      const [[{ status }], thread] = await Promise.all([client.runs.list(thread_id), client.threads.get(thread_id)]);
      expect([status, thread.status]).toEqual(['success', 'idle']);
    }
  });

  describe('joined', () => {
    const ALL = ['metadata', 'custom', 'updates', 'custom', 'updates', 'custom', 'updates'];

    /** A finished run whose events are stored. */
    const finished = async (payload: object = {}): Promise<{ thread_id: string; run_id: string; original: Part[] }> => {
      const thread_id = await newThread(client);
      let run_id = '';
      const streamed = client.runs.stream(thread_id, 'steps', {
        input: {},
        streamMode: ['updates', 'custom'],
        streamResumable: true,
        onRunCreated: (run) => (run_id = run.run_id),
        ...payload,
      });
      return { thread_id, original: await collect(streamed), run_id };
    };

    it('have ids from 0 without gaps', async () => {
      const { original } = await finished();
      expect(names(original)).toEqual(ALL);
      expect(original.map(({ id }) => id)).toEqual(ALL.map((_name, i) => String(i)));
    });

    it('have no ids when they are not resumable', async () => {
      const { original } = await finished({ streamResumable: false });
      expect(original.map(({ id }) => id)).toEqual(ALL.map(() => undefined));
    });

    it('repeat all events with their ids after the end of the run', async () => {
      const { thread_id, run_id, original } = await finished();
      const join = () => collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      expect(await join()).toEqual(original);
      expect(await join()).toEqual(original);
    });

    it('continue after the last event that the client has seen', async () => {
      const { thread_id, run_id, original } = await finished();
      const from = (lastEventId: string) => collect(client.runs.joinStream(thread_id, run_id, { lastEventId }));
      expect(await from('2')).toEqual(original.slice(3));
      expect(await from('6')).toEqual([]);
    });

    it('start with the oldest event for an unknown id', async () => {
      const { thread_id, run_id, original } = await finished();
      const parts = await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '4711' }));
      expect(parts).toEqual(original);
    });

    it('contain only the requested modes, and the control events', async () => {
      const { thread_id, run_id } = await finished();
      const join = (streamMode: Mode) =>
        collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1', streamMode }));
      expect(names(await join('custom'))).toEqual(['metadata', 'custom', 'custom', 'custom']);
      expect(names(await join(['custom', 'updates']))).toEqual(ALL);
      expect(names(await join('messages'))).toEqual(['metadata']);
    });

    it('contain messages in the requested form', async () => {
      const thread_id = await newThread(client);
      const payload = { input: hello, streamMode: ['messages', 'messages-tuple'] as const, streamResumable: true };
      const { run_id } = await client.runs.create(thread_id, 'tokens', payload as never);
      const join = async (streamMode: Mode) =>
        names(await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1', streamMode })));
      expect(new Set(await join('messages-tuple'))).toEqual(new Set(['metadata', 'messages']));
      expect(new Set(await join('messages'))).toEqual(
        new Set(['metadata', 'messages/complete', 'messages/metadata', 'messages/partial']),
      );
    });

    it('contain the events of subgraphs with their mode', async () => {
      const thread_id = await newThread(client);
      const payload = { input: {}, streamMode: ['updates', 'values'] as Mode, streamSubgraphs: true };
      const { run_id } = await client.runs.create(thread_id, 'nested', payload);
      const options = { lastEventId: '-1', streamMode: 'updates' as const };
      const joined = names(await collect(client.runs.joinStream(thread_id, run_id, options)));
      expect(joined.filter((name) => name.startsWith('updates|child:')).length).toBeGreaterThan(0);
      expect(joined.filter((name) => name.startsWith('values'))).toEqual([]);
    });

    it('return all events to the first reader of a background run', async () => {
      const thread_id = await newThread(client);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, streamMode: 'updates' });
      expect(names(await collect(client.runs.joinStream(thread_id, run_id)))).toEqual([
        'metadata',
        'updates',
        'updates',
        'updates',
      ]);
    });

    it('of a background run without a mode contain values', async () => {
      const thread_id = await newThread(client);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const parts = await collect(client.runs.joinStream(thread_id, run_id));
      expect(new Set(names(parts))).toEqual(new Set(['metadata', 'values']));
      expect(parts.at(-1)!.data).toEqual({ path: ['one', 'two', 'three'] });
    });

    it('return live events to a second reader', async () => {
      const thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id, { streamMode: ['custom', 'updates'] });
      const reader = recordingClient(Client, server.url);
      const second = collect(reader.client.runs.joinStream(thread_id, run_id));
      await untilAnswered(reader);
      gate.open();
      expect(await second).toEqual([{ event: 'updates', data: { wait: { order: ['a:end'] } } }]);
    });

    it('return all events to each of several readers', async () => {
      const thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id, { streamResumable: true });
      const readers = Array.from({ length: 3 }, () =>
        collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' })),
      );
      gate.open();
      const [first, ...others] = await Promise.all(readers);
      expect(names(first)).toEqual(['metadata', 'values', 'values', 'custom', 'values']);
      others.forEach((other) => expect(other).toEqual(first));
    });

    it('return all events of a finished resumable run', async () => {
      const { thread_id, run_id } = await finished({ streamResumable: true });
      const all = await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      expect(all.length).toBeGreaterThan(2);
      expect(await collect(client.runs.joinStream(thread_id, run_id))).toEqual(all);
    });

    it('contain the error with any selected modes', async () => {
      const thread_id = await newThread(client);
      const { run_id } = await client.runs.create(thread_id, 'failing', { input: {}, streamMode: 'updates' });
      const options = { lastEventId: '-1', streamMode: 'custom' as const };
      expect(names(await collect(client.runs.joinStream(thread_id, run_id, options)))).toEqual(['metadata', 'error']);
    });

    it('of a finished run that is not resumable end at once', async () => {
      const { thread_id, run_id } = await finished({ streamResumable: false });
      expect(await collect(client.runs.joinStream(thread_id, run_id))).toEqual([]);
    });

    it('have the headers of the run', async () => {
      const { thread_id, run_id } = await finished();
      const { client: recording, responses } = recordingClient(Client, server.url);
      await collect(recording.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      expect(responses[0].headers.get('content-location')).toBe(`/threads/${thread_id}/runs/${run_id}`);
      expect(responses[0].headers.get('location')).toBe(`/threads/${thread_id}/runs/${run_id}/stream`);
    });

    it('return 404 for an unknown run', async () => {
      const { thread_id, run_id } = await finished();
      const missing = refusal(404, 'run_not_found');
      const join = (thread: string, run: string) => collect(client.runs.joinStream(thread, run));
      await expect(join(thread_id, crypto.randomUUID())).rejects.toMatchObject(missing);
      await expect(join(await newThread(client), run_id)).rejects.toMatchObject(missing);
    });
  });
});

describe('streams of selected namespaces, which the newest SDK requests,', () => {
  const [root, outer, inner] = ['', '|outer:<task>', '|outer:<task>|inner:<task>'].map((at) => `custom${at}`);
  const [[, NEWEST]] = SDKS;

  const withoutIds = (parts: Part[]): string[] =>
    names(parts).map((name) => name.replace(/:[0-9a-f-]{36}/g, ':<task>'));

  it.each([
    ['a subgraph without its nested subgraphs', ['outer'], [outer]],
    ['the root graph', [''], [root]],
    ['several', ['', 'outer|inner'], [root, inner]],
    ['unknown namespaces', ['inner', 'outer:other'], []],
  ])('contain %s', async (_, streamNamespaces, expected) => {
    const { client, responses } = recordingClient(NEWEST, server.url);
    const thread_id = await newThread(client);
    const payload = { input: {}, streamMode: 'custom' as const, streamSubgraphs: true, streamResumable: true };
    responses.splice(0);
    const parts = await collect(
      client.runs.stream(thread_id, 'deep', { ...payload, streamNamespaces }) as AsyncIterable<Part>,
    );
    expect(withoutIds(parts)).toEqual(['metadata', ...expected]);

    const [{ run_id }] = await client.runs.list(thread_id);
    const joined = client.runs.joinStream(thread_id, run_id, { lastEventId: '-1', streamNamespaces });
    expect(await collect(joined as AsyncIterable<Part>)).toEqual(parts);
    // The SDK reconnects to this URL after a broken connection, without repeating its request parameters.
    const again = await fetch(`${server.url}${responses[0].headers.get('location')}`);
    expect(framesOf(await again.text()).map(({ event }) => event)).toEqual(names(parts));
  });
});

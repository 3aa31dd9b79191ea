import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  dataOf,
  names,
  newThread,
  type Part,
  SDKS,
  serverForFile,
} from '../support/sdk.js';

type Payload = NonNullable<Parameters<Client['runs']['wait']>[2]>;
type Command = NonNullable<Payload['command']>;

const server = serverForFile();

describe.each(SDKS)('interrupts and commands with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const wait = (graph: string, payload: Payload) => client.runs.wait(thread_id, graph, payload);
  const command = (graph: string, given: Command) => wait(graph, { command: given });
  const stream = (graph: string, payload: object): Promise<Part[]> =>
    collect(client.runs.stream(thread_id, graph, payload));
  const stateOf = () => client.threads.getState(thread_id);

  /** A new thread on which a graph has run to its end or to an interrupt. */
  const run = async (graph: string, input: Record<string, unknown> = {}, payload: Payload = {}) => {
    thread_id = await newThread(client);
    return wait(graph, { input, ...payload });
  };

  describe('an interrupt of the graph', () => {
    it('ends the run with success and leaves the thread interrupted', async () => {
      await run('ask', { question: 'why?' });
      const [{ status }] = await client.runs.list(thread_id);
      const thread = await client.threads.get(thread_id);
      const { tasks } = await stateOf();
      expect([status, thread.status]).toEqual(['success', 'interrupted']);
      expect(thread.values).toEqual({ question: 'why?' });
      expect(thread.interrupts).toEqual({
        [tasks[0].id]: [{ id: expect.any(String), value: { question: 'why?' } }],
      });
    });

    it.each(['sync', 'async', 'exit'] as const)(
      'is on its thread when the run has ended, with durability %s',
      async (durability) => {
        for (let i = 0; i < 8; i += 1) {
          await run('ask', { question: 'why?' }, { durability });
          const { interrupts } = await client.threads.get(thread_id);
          expect(Object.values(interrupts).flat()).toMatchObject([{ value: { question: 'why?' } }]);
        }
      },
    );

    it('is in the result of the run, also when it is joined later', async () => {
      const answer = await run('ask', { question: 'why?' });
      expect(answer).toEqual({
        question: 'why?',
        __interrupt__: [{ id: expect.any(String), value: { question: 'why?' } }],
      });
      const [{ run_id }] = await client.runs.list(thread_id);
      expect(await client.runs.join(thread_id, run_id)).toEqual(answer);
    });

    it('is a separate event in modes values and updates', async () => {
      thread_id = await newThread(client);
      const parts = await stream('ask', { input: { question: 'why?' }, streamMode: ['values', 'updates'] });
      const { tasks } = await stateOf();
      const data = { __interrupt__: tasks[0].interrupts };
      expect(dataOf(parts, 'values')).toEqual([{ question: 'why?' }, data]);
      expect(dataOf(parts, 'updates')).toEqual([data]);
    });

    it('is in the events of mode tasks', async () => {
      thread_id = await newThread(client);
      const parts = await stream('ask', { input: { question: 'why?' }, streamMode: 'tasks' });
      expect(dataOf(parts, 'tasks').at(-1)).toMatchObject({
        name: 'ask',
        interrupts: [{ id: expect.any(String), value: { question: 'why?' } }],
      });
    });

    it('has an id of 32 hexadecimal digits that stays the same', async () => {
      const { __interrupt__: shown } = (await run('ask', { question: 'why?' })) as { __interrupt__: object[] };
      expect(shown).toEqual([{ id: expect.stringMatching(/^[0-9a-f]{32}$/), value: expect.anything() }]);
      expect((await stateOf()).tasks[0].interrupts).toEqual(shown);
    });

    it('is discarded by a new input', async () => {
      await run('ask', { question: 'why?' });
      const { __interrupt__: asked } = (await wait('ask', { input: { question: 'how?' } })) as {
        __interrupt__: object[];
      };
      expect(asked).toMatchObject([{ value: { question: 'how?' } }]);
      expect(await command('ask', { resume: 'so' })).toEqual({ question: 'how?', answer: 'so' });
    });
  });

  describe('resumed', () => {
    it.each([['a string'], [{ an: ['object'] }], [['a', 'list']], [true], [false], [0], [''], [null]])(
      'with %j pass that value to the graph',
      async (resume) => {
        await run('ask', { question: 'why?' });
        expect(await command('ask', { resume })).toEqual({ question: 'why?', answer: resume });
        expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', interrupts: {} });
      },
    );

    it('with null by interrupt id pass null to the graph', async () => {
      await run('ask', { question: 'why?' });
      const [{ interrupts }] = (await stateOf()).tasks;
      const resume = { [interrupts[0].id!]: null };
      expect(await command('ask', { resume })).toEqual({ question: 'why?', answer: null });
    });

    it('stream the events after the interrupt', async () => {
      await run('ask', { question: 'why?' });
      const parts = await stream('ask', { command: { resume: 'so' }, streamMode: 'updates' });
      expect(dataOf(parts, 'updates')).toEqual([{ ask: { answer: 'so' } }, { finish: expect.anything() }]);
    });

    it('in a subgraph continue there', async () => {
      await run('nested');
      expect(await command('nested', { resume: 'yes' })).toMatchObject({
        path: expect.arrayContaining(['before', 'inner', 'answer:yes']),
      });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('by the ids of several interrupts pass each its own value', async () => {
      await run('parallel');
      const open = (await stateOf()).tasks.flatMap(({ interrupts }) => interrupts) as { id: string; value: string }[];
      expect(open.map(({ value }) => value)).toEqual(['left', 'right']);
      const resume = Object.fromEntries(open.map(({ id, value }) => [id, `to ${value}`]));
      expect(await command('parallel', { resume })).toEqual({ answers: ['left:"to left"', 'right:"to right"'] });
    });

    it('by the id of one interrupt leave the other pending', async () => {
      await run('parallel');
      const [left, right] = (await stateOf()).tasks.flatMap(({ interrupts }) => interrupts);
      const answer = await command('parallel', { resume: { [left.id!]: 'L' } });
      expect(answer).toMatchObject({ __interrupt__: [right] });
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });
      expect(await command('parallel', { resume: { [right.id!]: 'R' } })).toEqual({
        answers: ['left:"L"', 'right:"R"'],
      });
    });

    it('without a pending interrupt change nothing', async () => {
      await run('steps');
      const [{ run_id }] = await client.runs.list(thread_id);
      await command('steps', { resume: 'what?' });
      const [latest] = await client.runs.list(thread_id);
      expect(latest.run_id).not.toBe(run_id);
      expect(latest.status).toBe('success');
      expect((await stateOf()).values).toEqual({ path: ['one', 'two', 'three'] });
    });
  });

  describe('a breakpoint of the client', () => {
    it.each([
      ['interruptBefore', ['two'], ['one'], ['two']],
      ['interruptBefore', ['two', 'three'], ['one'], ['two']],
      ['interruptBefore', ['three'], ['one', 'two'], ['three']],
      ['interruptBefore', '*', [], ['one']],
      ['interruptAfter', ['two'], ['one', 'two'], ['three']],
      ['interruptAfter', '*', ['one'], ['two']],
      ['interruptAfter', ['three'], ['one', 'two', 'three'], []],
    ] as const)('with %s %j stops after %j', async (parameter, nodes, path, next) => {
      await run('steps', { path: ['in'] }, { [parameter]: nodes });
      expect(await stateOf()).toMatchObject({ values: { path: ['in', ...path] }, next });
    });

    it('leaves run and thread like an interrupt, but without one', async () => {
      const answer = await run('steps', { path: ['in'] }, { interruptBefore: ['two'] });
      expect(answer).toEqual({ path: ['in', 'one'], __interrupt__: [] });
      expect(await client.runs.list(thread_id)).toMatchObject([{ status: 'success' }]);
      const thread = await client.threads.get(thread_id);
      expect(thread).toMatchObject({ status: 'interrupted', values: { path: ['in', 'one'] } });
      expect(Object.values(thread.interrupts).flat()).toEqual([]);
    });

    it('is an event with an empty list', async () => {
      thread_id = await newThread(client);
      const payload = { input: { path: ['in'] }, streamMode: ['values', 'updates'], interruptBefore: ['two'] };
      const parts = await stream('steps', payload);
      expect(dataOf(parts, 'values')).toEqual([{ path: ['in'] }, { path: ['in', 'one'] }, { __interrupt__: [] }]);
      expect(dataOf(parts, 'updates')).toEqual([{ one: { path: ['one'] } }, { __interrupt__: [] }]);
    });

    it('does not affect a finished thread, which returns its state', async () => {
      thread_id = await newThread(client);
      const all = await wait('steps', { input: {} });
      expect(await wait('steps', { input: null })).toEqual(all);
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: all });
    });

    it('is passed by the next run with null input, step by step', async () => {
      await run('steps', {}, { interruptBefore: '*' });
      const nexts = [];
      for (let i = 0; i < 3; i += 1) {
        await wait('steps', { input: null, interruptBefore: '*' });
        nexts.push((await stateOf()).next);
      }
      expect(nexts).toEqual([['two'], ['three'], []]);
      expect(await client.threads.get(thread_id)).toMatchObject({
        status: 'idle',
        values: { path: ['one', 'two', 'three'] },
      });
    });

    it('can be followed by a state update', async () => {
      await run('steps', {}, { interruptAfter: ['one'] });
      await client.threads.updateState(thread_id, { values: { path: ['edited'] } });
      expect(await wait('steps', { input: null })).toEqual({ path: ['one', 'edited', 'two', 'three'] });
    });
  });

  describe('a command', () => {
    it.each([
      ['an object', { path: ['by', 'hand'] }],
      ['a list of pairs', [['path', ['by', 'hand']]] as [string, unknown][]],
      [
        'several pairs for one key',
        [
          ['path', ['by']],
          ['path', ['hand']],
        ] as [string, unknown][],
      ],
    ])('updates the state with %s and runs nothing when nothing is pending', async (_form, update) => {
      await run('steps');
      await command('steps', { update });
      expect(await stateOf()).toMatchObject({ values: { path: ['one', 'two', 'three', 'by', 'hand'] }, next: [] });
    });

    it('updates the state and resumes at once', async () => {
      await run('ask', { question: 'why?' });
      expect(await command('ask', { update: { question: 'how?' }, resume: 'so' })).toEqual({
        question: 'how?',
        answer: 'so',
      });
    });

    it.each([
      ['the name of a node', 'three', ['one', 'two', 'three', 'three']],
      ['a list of names', ['two'], ['one', 'two', 'three', 'two', 'three']],
    ])('goes to %s', async (_form, goto, path) => {
      await run('steps');
      expect(await command('steps', { goto })).toEqual({ path });
    });

    it('goes to a node on a thread without a state', async () => {
      thread_id = await newThread(client);
      expect(await command('steps', { goto: 'three' })).toEqual({ path: ['three'] });
    });

    it('updates the state and goes to a node', async () => {
      await run('steps');
      expect(await command('steps', { update: { path: ['x'] }, goto: 'three' })).toEqual({
        path: ['one', 'two', 'three', 'x', 'three'],
      });
    });

    it('sends a node its own input', async () => {
      thread_id = await newThread(client);
      const send = { node: 'start', input: { label: 'sent' } };
      const { order } = (await command('waiting', { goto: send })) as { order: string[] };
      expect(order).toContain('sent:start');
    });

    it('sends several nodes their own inputs', async () => {
      thread_id = await newThread(client);
      const goto = ['x', 'y'].map((label) => ({ node: 'start', input: { label } }));
      const { order } = (await command('waiting', { goto })) as { order: string[] };
      expect(order).toEqual(expect.arrayContaining(['x:start', 'y:start']));
    });

    it('takes precedence over an input', async () => {
      await run('ask', { question: 'why?' });
      const payload = { input: { question: 'ignored' }, command: { resume: 'so' } };
      expect(await wait('ask', payload)).toEqual({ question: 'why?', answer: 'so' });
    });
  });

  it('keep the streams of a resumed subgraph separate', async () => {
    await run('nested');
    const parts = await stream('nested', {
      command: { resume: 'yes' },
      streamMode: 'updates',
      streamSubgraphs: true,
    });
    const bare = names(parts).map((name) => name.replace(/:[0-9a-f-]{36}/g, ''));
    expect(bare).toEqual(['metadata', 'updates|child', 'updates']);
    expect(parts[1].data).toEqual({ question: { path: ['answer:yes'] } });
  });
});

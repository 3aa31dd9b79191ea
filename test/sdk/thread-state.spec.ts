import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, connect, human, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';

type State = Awaited<ReturnType<Client['threads']['getState']>>;

const EMPTY = {
  values: {},
  next: [],
  tasks: [],
  checkpoint: null,
  metadata: {},
  created_at: null,
  parent_checkpoint: null,
  interrupts: [],
};

const server = serverForFile();

describe.each(SDKS)('the state of threads with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** A thread on which a graph has run to its end or to an interrupt. */
  const threadAfter = async (graph: string, input: Record<string, unknown> = {}): Promise<string> => {
    const thread_id = await newThread(client);
    await client.runs.wait(thread_id, graph, { input });
    return thread_id;
  };

  const pathOf = ({ values }: { values: unknown }): unknown => (values as { path: unknown }).path;

  /** The state of the interrupted subgraph of the graph `nested`. */
  const subgraphCheckpoint = async (thread_id: string) => {
    const { tasks } = await client.threads.getState(thread_id);
    return tasks[0].checkpoint as NonNullable<State['checkpoint']>;
  };

  describe('read', () => {
    it('is empty before the first run', async () => {
      expect(await client.threads.getState(await newThread(client))).toEqual(EMPTY);
      const { thread_id } = await client.threads.create({ graphId: 'steps' });
      expect(await client.threads.getState(thread_id)).toEqual(EMPTY);
      expect(await client.threads.getHistory(thread_id)).toEqual([]);
    });

    it('of an unknown thread returns 404', async () => {
      const id = randomUUID();
      await expect(client.threads.getState(id)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
      await expect(client.threads.getHistory(id)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    });

    it('after a run has all fields', async () => {
      const thread_id = await threadAfter('steps');
      const state = await client.threads.getState(thread_id);
      expect(state).toEqual({
        values: { path: ['one', 'two', 'three'] },
        next: [],
        tasks: [],
        checkpoint: { thread_id, checkpoint_ns: '', checkpoint_id: expect.any(String), checkpoint_map: null },
        metadata: expect.objectContaining({ source: 'loop', step: 3, parents: {}, graph_id: 'steps' }),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        parent_checkpoint: { thread_id, checkpoint_ns: '', checkpoint_id: expect.any(String), checkpoint_map: null },
        interrupts: [],
      });
      expect(state.parent_checkpoint!.checkpoint_id).not.toBe(state.checkpoint.checkpoint_id);
    });

    it('shows messages as plain objects with their type', async () => {
      const thread_id = await threadAfter('tokens', { messages: [human('hi')] });
      const { messages } = (await client.threads.getState(thread_id)).values as { messages: object[] };
      expect(messages).toMatchObject([
        { type: 'human', content: 'hi', id: expect.any(String) },
        { type: 'ai', content: expect.any(String), tool_calls: [], invalid_tool_calls: [] },
      ]);
      expect(messages[1]).not.toHaveProperty('lc');
    });

    it('of an interrupted thread shows the task and its interrupt', async () => {
      const thread_id = await threadAfter('ask', { question: 'why?' });
      const state = await client.threads.getState(thread_id);
      const question = { id: expect.any(String), value: { question: 'why?' } };
      expect(state.next).toEqual(['ask']);
      expect(state).toMatchObject({ interrupts: [question] });
      expect(state.tasks).toEqual([
        {
          id: expect.any(String),
          name: 'ask',
          path: ['__pregel_pull', 'ask'],
          error: null,
          interrupts: [question],
          checkpoint: null,
          state: null,
          result: null,
        },
      ]);
    });

    it('of a failed thread shows the task with its error', async () => {
      const thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'failing', { input: {}, raiseError: false });
      const { next, values, tasks } = await client.threads.getState(thread_id);
      expect({ next, values }).toEqual({ next: ['second'], values: { started: true } });
      expect(tasks[0]).toMatchObject({ name: 'second', error: expect.stringContaining('out of beans') });
    });

    it('at an earlier checkpoint is the state of that time', async () => {
      const thread_id = await threadAfter('steps');
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const { checkpoint_id } = past.checkpoint;
      const byId = await client.threads.getState(thread_id, checkpoint_id!);
      expect(byId).toMatchObject({ values: { path: ['one'] }, next: ['two'], checkpoint: { checkpoint_id } });
      expect(await client.threads.getState(thread_id, past.checkpoint)).toEqual(byId);
      expect(byId.parent_checkpoint).toEqual(past.parent_checkpoint);
    });

    it('at a checkpoint that does not exist is empty', async () => {
      const thread_id = await threadAfter('steps');
      expect(await client.threads.getState(thread_id, randomUUID())).toMatchObject({ values: {}, next: [], tasks: [] });
    });
  });

  describe('of a subgraph', () => {
    it('is in the task when requested, and a reference otherwise', async () => {
      const thread_id = await threadAfter('nested');
      const without = (await client.threads.getState(thread_id)).tasks[0];
      expect(without.state).toBeNull();
      expect(without.checkpoint).toMatchObject({ thread_id, checkpoint_ns: `child:${without.id}` });
      const [{ checkpoint, state }] = (await client.threads.getState(thread_id, undefined, { subgraphs: true })).tasks;
      expect(checkpoint).toBeNull();
      expect(state).toMatchObject({
        values: { path: ['before', 'inner'] },
        next: ['question'],
        tasks: [{ name: 'question', interrupts: [{ value: 'inner?' }] }],
        checkpoint: { thread_id, checkpoint_ns: `child:${without.id}`, checkpoint_id: expect.any(String) },
      });
    });

    it('is also in the task at a given checkpoint', async () => {
      const thread_id = await threadAfter('nested');
      const { checkpoint } = await client.threads.getState(thread_id);
      for (const at of [checkpoint, checkpoint.checkpoint_id!]) {
        const { tasks } = await client.threads.getState(thread_id, at, { subgraphs: true });
        expect(tasks[0].state).toMatchObject({ next: ['question'] });
      }
    });

    it('can be requested with a string instead of a boolean', async () => {
      const thread_id = await threadAfter('nested');
      const { checkpoint } = await client.threads.getState(thread_id);
      const options = { subgraphs: 'true' as unknown as boolean };
      const { tasks } = await client.threads.getState(thread_id, checkpoint, options);
      expect(tasks[0].state).toMatchObject({ next: ['question'] });
      const none = { subgraphs: 'false' as unknown as boolean };
      expect((await client.threads.getState(thread_id, checkpoint, none)).tasks[0].state).toBeNull();
    });

    it('can be read by the checkpoint of its task', async () => {
      const thread_id = await threadAfter('nested');
      const state = await client.threads.getState(thread_id, await subgraphCheckpoint(thread_id));
      expect(state).toMatchObject({ values: { path: ['before', 'inner'] }, next: ['question'] });
    });

    describe('in subgraphs', () => {
      /** The checkpoint of the interrupted task at each level, outermost first. */
      const checkpoints = async (thread_id: string): Promise<State['checkpoint'][]> => {
        const levels: State['checkpoint'][] = [];
        let state = await client.threads.getState(thread_id);
        while (state.tasks[0]?.checkpoint) {
          levels.push(state.tasks[0].checkpoint);
          state = await client.threads.getState(thread_id, levels.at(-1));
        }
        return levels;
      };

      it('can be read at every level, separately or together', async () => {
        const thread_id = await threadAfter('dolls');
        const levels = await checkpoints(thread_id);
        expect(levels.map(({ checkpoint_ns }) => checkpoint_ns.replace(/:[^|]+/g, ''))).toEqual([
          'large',
          'large|middle',
          'large|middle|small',
        ]);
        const paths: unknown[] = [];
        let state: State | null | undefined = await client.threads.getState(thread_id, undefined, { subgraphs: true });
        while (state) {
          paths.push((state.values as { path: string[] }).path.at(-1));
          state = state.tasks[0].state;
        }
        expect(paths).toEqual(['open large', 'open middle', 'open small', 'open small']);
      });

      it('has a history at every level, with either separator of names', async () => {
        const thread_id = await threadAfter('dolls');
        for (const { checkpoint_ns } of await checkpoints(thread_id)) {
          const histories = await Promise.all(
            [checkpoint_ns, checkpoint_ns.replaceAll('|', '\0')].map((ns) =>
              client.threads.getHistory(thread_id, { checkpoint: { checkpoint_ns: ns } }),
            ),
          );
          expect(histories[0].length).toBeGreaterThan(1);
          expect(histories[0].every(({ checkpoint }) => checkpoint.checkpoint_ns === checkpoint_ns)).toBe(true);
          expect(histories[1]).toEqual(histories[0]);
        }
      });

      it('can be updated in the innermost subgraph, and its interrupt resumed', async () => {
        const thread_id = await threadAfter('dolls');
        const innermost = (await checkpoints(thread_id)).at(-1)!;
        const answer = await client.threads.updateState(thread_id, {
          values: { path: ['changed'] },
          checkpoint: innermost,
        });
        expect(answer).toMatchObject({ checkpoint: { checkpoint_ns: innermost.checkpoint_ns } });
        const { path } = (await client.runs.wait(thread_id, 'dolls', { command: { resume: 'me' } })) as {
          path: string[];
        };
        expect(path).toEqual(expect.arrayContaining(['changed', 'answer:me']));
      });
    });

    it('has its own history', async () => {
      const thread_id = await threadAfter('nested');
      const { checkpoint_ns } = await subgraphCheckpoint(thread_id);
      const history = await client.threads.getHistory(thread_id, { checkpoint: { checkpoint_ns } });
      expect(history.map(({ next }) => next)).toEqual([['question'], ['inner'], ['__start__']]);
      expect(history.every(({ checkpoint }) => checkpoint.checkpoint_ns === checkpoint_ns)).toBe(true);
    });
  });

  describe('updated', () => {
    it('continues after the node that it was updated as', async () => {
      const thread_id = await threadAfter('steps');
      await client.threads.updateState(thread_id, { values: { path: ['by hand'] }, asNode: 'two' });
      const state = await client.threads.getState(thread_id);
      expect(state).toMatchObject({
        values: { path: ['one', 'two', 'three', 'by hand'] },
        next: ['three'],
        metadata: { source: 'update', step: 4 },
      });
      expect(await client.runs.wait(thread_id, 'steps', { input: null })).toEqual({
        path: ['one', 'two', 'three', 'by hand', 'three'],
      });
    });

    it('returns the reference of the new checkpoint', async () => {
      const thread_id = await threadAfter('steps');
      const answer = await client.threads.updateState(thread_id, { values: { path: ['x'] }, asNode: 'three' });
      const { checkpoint, values } = await client.threads.getState(thread_id);
      expect(answer).toMatchObject({ checkpoint });
      expect(values).toEqual({ path: ['one', 'two', 'three', 'x'] });
    });

    it('with null values continues as if the node had returned nothing', async () => {
      const thread_id = await threadAfter('ask', { question: 'why?' });
      await client.threads.updateState(thread_id, { values: null, asNode: 'ask' });
      const state = await client.threads.getState(thread_id);
      expect(state).toMatchObject({ values: { question: 'why?' }, next: ['finish'], interrupts: [] });
    });

    it('accepts several updates at once', async () => {
      const thread_id = await threadAfter('steps');
      await client.threads.updateState(thread_id, { values: [{ path: ['x'] }, { path: ['y'] }], asNode: 'three' });
      expect(pathOf(await client.threads.getState(thread_id))).toEqual(['one', 'two', 'three', 'x', 'y']);
    });

    it.each(['checkpoint', 'checkpointId'])('from an older %s becomes a fork', async (parameter) => {
      const thread_id = await threadAfter('steps');
      const past = (await client.threads.getHistory(thread_id)).find(({ next }) => next[0] === 'two')!;
      const at = parameter === 'checkpoint' ? past.checkpoint : past.checkpoint.checkpoint_id;
      await client.threads.updateState(thread_id, { values: { path: ['fork'] }, asNode: 'one', [parameter]: at });
      const state = await client.threads.getState(thread_id);
      expect(state).toMatchObject({ values: { path: ['one', 'fork'] }, next: ['two'] });
      expect(state.parent_checkpoint).toEqual(past.checkpoint);
      expect(await client.runs.wait(thread_id, 'steps', { input: null })).toEqual({
        path: ['one', 'fork', 'two', 'three'],
      });
    });

    it('adds one entry to the history, and the next run one per step', async () => {
      const thread_id = await threadAfter('steps');
      expect(await client.threads.getHistory(thread_id)).toHaveLength(5);
      await client.threads.updateState(thread_id, { values: { path: ['x'] }, asNode: 'two' });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(6);
      await client.runs.wait(thread_id, 'steps', { input: null });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(7);
    });

    it('of a subgraph takes effect when the run resumes', async () => {
      const thread_id = await threadAfter('nested');
      const checkpoint = await subgraphCheckpoint(thread_id);
      await client.threads.updateState(thread_id, { checkpoint, values: { path: ['by hand'] } });
      const inside = await client.threads.getState(thread_id, await subgraphCheckpoint(thread_id));
      expect(inside.values).toEqual({ path: ['before', 'inner', 'by hand'] });
      const result = await client.runs.wait(thread_id, 'nested', { command: { resume: 'yes' } });
      expect(pathOf({ values: result })).toEqual(expect.arrayContaining(['inner', 'by hand', 'answer:yes']));
    });

    it('as a node of a subgraph skips that node', async () => {
      const thread_id = await threadAfter('nested');
      const checkpoint = await subgraphCheckpoint(thread_id);
      await client.threads.updateState(thread_id, { checkpoint, values: { path: ['skipped'] }, asNode: 'question' });
      const result = await client.runs.wait(thread_id, 'nested', { input: null });
      expect(pathOf({ values: result })).toContain('skipped');
      expect(JSON.stringify(result)).not.toContain('answer:');
      expect(await client.threads.getState(thread_id)).toMatchObject({ next: [] });
    });

    it('appears in the row of the thread', async () => {
      const thread_id = await threadAfter('ask', { question: 'why?' });
      const before = await client.threads.get(thread_id);
      expect(before).toMatchObject({ status: 'interrupted' });
      await client.threads.updateState(thread_id, { values: { answer: 'because' }, asNode: 'finish' });
      const after = await client.threads.get(thread_id);
      expect(after).toMatchObject({ status: 'idle', values: { question: 'why?', answer: 'because' }, interrupts: {} });
      expect(Date.parse(after.state_updated_at)).toBeGreaterThan(Date.parse(before.state_updated_at));
    });

    it('leaves a thread interrupted while its interrupt is pending', async () => {
      const thread_id = await threadAfter('ask', { question: 'why?' });
      await client.threads.updateState(thread_id, { values: { question: 'how?' }, asNode: '__start__' });
      expect(await client.threads.get(thread_id)).toMatchObject({
        status: 'interrupted',
        values: { question: 'how?' },
      });
    });

    it('requires an existing thread with a graph', async () => {
      const values = { path: ['x'] };
      await expect(client.threads.updateState(randomUUID(), { values })).rejects.toMatchObject(
        refusal(404, 'thread_not_found'),
      );
      await expect(client.threads.updateState(await newThread(client), { values })).rejects.toMatchObject(
        refusal(400, 'thread_without_graph'),
      );
    });

    it('starts the history of a thread that has only a graph', async () => {
      const { thread_id } = await client.threads.create({ graphId: 'steps' });
      await client.threads.updateState(thread_id, { values: { path: ['start'] }, asNode: 'two' });
      expect(await client.threads.getState(thread_id)).toMatchObject({ values: { path: ['start'] }, next: ['three'] });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(1);
    });

    it('as an unknown node is rejected, and nothing changes', async () => {
      const thread_id = await threadAfter('steps');
      const before = await client.threads.getState(thread_id);
      const update = client.threads.updateState(thread_id, { values: { path: ['x'] }, asNode: 'nowhere' });
      await expect(update).rejects.toMatchObject(refusal(422, 'invalid_state_update'));
      expect(await client.threads.getState(thread_id)).toEqual(before);
    });

    it.each(['__start__', '__end__', '__copy__'])('with null values is accepted as %s', async (asNode) => {
      const thread_id = await threadAfter('steps');
      await client.threads.updateState(thread_id, { values: null, asNode });
      expect((await client.threads.getState(thread_id)).values).toEqual({ path: ['one', 'two', 'three'] });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(6);
    });

    it.each([['a string'], [7], [[]]])('with %j as values is rejected, and nothing changes', async (values) => {
      const thread_id = await threadAfter('steps');
      const update = client.threads.updateState(thread_id, { values, asNode: 'one' });
      await expect(update).rejects.toMatchObject({ status: 422 });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(5);
    });

    it('is rejected while the thread has an active run', async () => {
      const thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const update = { values: { label: 'x' }, asNode: 'start' };
      await expect(client.threads.updateState(thread_id, update)).rejects.toMatchObject(refusal(409, 'thread_busy'));
      gate.open();
      await client.runs.join(thread_id, run_id);
      await client.threads.updateState(thread_id, update);
      expect((await client.threads.getState(thread_id)).values).toMatchObject({ label: 'x' });
    });
  });

  describe('over time', () => {
    const nexts = (history: State[]): string[][] => history.map(({ next }) => next);
    const ALL = [[], ['three'], ['two'], ['one'], ['__start__']];

    it('is listed newest first, back to the input', async () => {
      const history = await client.threads.getHistory(await threadAfter('steps'));
      expect(nexts(history)).toEqual(ALL);
      expect(history.map(pathOf)).toEqual([['one', 'two', 'three'], ['one', 'two'], ['one'], [], []]);
      expect(history.at(-1)!.metadata).toMatchObject({ source: 'input', step: -1 });
      expect(history.at(-1)!.parent_checkpoint).toBeNull();
      history.slice(1).forEach((older, i) => expect(history[i].parent_checkpoint).toEqual(older.checkpoint));
    });

    it('grows with every run', async () => {
      const thread_id = await threadAfter('steps');
      await client.runs.wait(thread_id, 'steps', { input: {} });
      expect(nexts(await client.threads.getHistory(thread_id))).toEqual([...ALL, ...ALL]);
    });

    it('has at most ten entries by default, and as many as requested otherwise', async () => {
      const thread_id = await threadAfter('steps');
      await client.runs.wait(thread_id, 'steps', { input: {} });
      await client.runs.wait(thread_id, 'steps', { input: {} });
      expect(await client.threads.getHistory(thread_id)).toHaveLength(10);
      expect(await client.threads.getHistory(thread_id, { limit: 100 })).toHaveLength(15);
      expect(nexts(await client.threads.getHistory(thread_id, { limit: 2 }))).toEqual([[], ['three']]);
      await expect(client.threads.getHistory(thread_id, { limit: 0 })).rejects.toMatchObject({ status: 422 });
    });

    it.each([
      ['an id', ({ checkpoint }: State) => checkpoint.checkpoint_id],
      ['a checkpoint', ({ checkpoint }: State) => checkpoint],
      ['a config', ({ checkpoint: { checkpoint_id } }: State) => ({ configurable: { checkpoint_id } })],
    ])('is listed before a checkpoint given as %s', async (_form, toBefore) => {
      const thread_id = await threadAfter('steps');
      const history = await client.threads.getHistory(thread_id);
      const before = toBefore(history[1]) as never;
      expect(await client.threads.getHistory(thread_id, { before })).toEqual(history.slice(2));
      expect(await client.threads.getHistory(thread_id, { before, limit: 1 })).toEqual([history[2]]);
    });

    it('is filtered by the metadata of checkpoints and of the runs that wrote them', async () => {
      const thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {}, metadata: { round: 1 } });
      await client.runs.wait(thread_id, 'steps', { input: {}, metadata: { round: 2 } });
      const step = { metadata: { source: 'input' } };
      expect(await client.threads.getHistory(thread_id, step)).toHaveLength(2);
      const [newest, ...rest] = await client.threads.getHistory(thread_id, { metadata: { round: 1 } });
      expect(rest).toHaveLength(4);
      expect(pathOf(newest)).toEqual(['one', 'two', 'three']);
    });
  });

  it('does not store credentials and internals in the metadata of checkpoints', async () => {
    const thread_id = await threadAfter('steps');
    const { metadata } = await client.threads.getState(thread_id);
    expect(Object.keys(metadata!).filter((key) => key.startsWith('__') || key.includes('auth'))).toEqual([]);
    expect(metadata).toMatchObject({ graph_id: 'steps', run_id: expect.any(String), thread_id, run_attempt: 1 });
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  messagesStateReducer,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { type CheckpointTuple, uuid6 } from '@langchain/langgraph-checkpoint';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { PostgresCheckpointer } from '../../src/execution/checkpoints/postgres-checkpointer.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { runToEnd } from '../support/server.js';

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
  facts: Annotation<Set<string>>({ reducer: (a, b) => new Set([...a, ...b]), default: () => new Set() }),
  word: Annotation<string | undefined>(),
  answer: Annotation<string>(),
});

const child = new StateGraph(Annotation.Root({ answer: Annotation<string>() }))
  .addNode('inner', () => ({ answer: 'none' }))
  .addNode('question', () => ({ answer: interrupt<string, string>('inner?') }))
  .addEdge(START, 'inner')
  .addEdge('inner', 'question')
  .addEdge('question', END)
  .compile();

/** Messages, Sends, an interrupted subgraph, and a parallel node whose writes are pending. */
const builder = new StateGraph(State)
  .addNode('before', ({ word }) => ({ log: [`before:${word}`], messages: [new AIMessage('yes?')], word: undefined }))
  .addNode('child', child)
  .addNode('beside', () => ({ log: ['beside'], facts: new Set(['f']) }))
  .addNode('worker', ({ word }: { word: string }) => ({ log: [`worker:${word}`] }))
  .addEdge(START, 'before')
  .addEdge('before', 'child')
  .addEdge('before', 'beside')
  .addConditionalEdges('child', () => [new Send('worker', { word: 'a' }), new Send('worker', { word: 'b' })])
  .addEdge('worker', END);

const INPUT = { word: 'x', messages: [new HumanMessage({ content: 'hello', id: 'h' })] };
const LOG = ['before:x', 'beside', 'worker:a', 'worker:b'];

const compile = (checkpointer: BaseCheckpointSaver) => builder.compile({ checkpointer });

const logOf = ({ values }: { values: unknown }): unknown => (values as { log: string[] }).log;

describe('Interchange with the official saver:', () => {
  let database: TestDatabase;
  let official: PostgresSaver;
  let ours: PostgresCheckpointer;
  beforeAll(async () => {
    database = await createDatabase();
    official = new PostgresSaver(database.pool);
    ours = new PostgresCheckpointer(database.pool);
  });
  afterEach(() => database.pool.query('TRUNCATE checkpoints, checkpoint_blobs, checkpoint_writes'));
  afterAll(() => database.drop());

  describe.each([
    ['the official saver wrote', 'ours', () => [official, ours] as const],
    ['ours wrote', 'the official saver', () => [ours, official] as const],
  ])('a thread that %s and %s reads', (_writer, _reader, savers) => {
    const thread = { configurable: { thread_id: 't' } };

    it('has the same state and the same history', async () => {
      const [writer] = savers();
      await compile(writer).invoke(INPUT, thread);
      await compile(writer).invoke(new Command({ resume: 'so' }), thread);
      await compile(writer).invoke({ ...INPUT, word: 'y' }, { configurable: { thread_id: 'other' } });
      const all = await tuplesOf(official, thread);
      const [newest, middle] = [all[0].config, all[Math.floor(all.length / 2)].config];
      expect(logOf(await compile(ours).getState(thread))).toEqual(LOG);
      expect(all.length).toBeGreaterThan(8);
      for (const [config, options] of [
        [thread, {}],
        [thread, { limit: 3 }],
        [thread, { limit: 0 }],
        [thread, { before: middle }],
        [thread, { before: middle, limit: 1 }],
        [thread, { filter: { source: 'loop' } }],
        [thread, { filter: { source: 'loop', step: 1 }, before: newest }],
        [thread, { filter: { parents: { '': newest.configurable!.checkpoint_id as string } } }],
        [thread, { filter: { source: 'nothing like it' } }],
        [{ configurable: { ...thread.configurable, checkpoint_ns: '' } }, { limit: 4 }],
        [{ configurable: { ...thread.configurable, checkpoint_id: '' } }, {}],
        [middle, {}],
        [{ configurable: {} }, { filter: { step: 0 } }],
      ] as [typeof thread, Parameters<typeof ours.list>[1]][]) {
        expect(await tuplesOf(ours, config, options)).toStrictEqual(await tuplesOf(official, config, options));
      }
      for (const { config } of all) {
        expect(sorted(await ours.getTuple(config))).toStrictEqual(sorted(await official.getTuple(config)));
      }
      expect(await ours.getTuple({ configurable: { thread_id: 'nobody' } })).toBeUndefined();
    });

    it('has an interrupt that can be read and resumed, and the writes of the parallel node', async () => {
      const [writer, reader] = savers();
      await compile(writer).invoke(INPUT, thread);
      const asked = await compile(reader).getState(thread, { subgraphs: true });
      expect(asked).toMatchObject({
        next: ['child'],
        tasks: [
          { interrupts: [{ value: 'inner?' }], state: { next: ['question'], values: { answer: 'none' } } },
          { name: 'beside', result: { log: ['beside'], facts: new Set(['f']) } },
        ],
      });
      expect(asked).toEqual(await compile(writer).getState(thread, { subgraphs: true }));
      const answered = await compile(reader).invoke(new Command({ resume: 'so' }), thread);
      expect(answered).toMatchObject({ log: LOG, answer: 'so', facts: new Set(['f']) });
      expect(answered.messages.map(({ content }) => content)).toEqual(['hello', 'yes?']);
      expect(await compile(writer).getState(thread)).toMatchObject({ next: [], values: { log: LOG } });
    });

    it('has metadata of the same classes', async () => {
      const [writer] = savers();
      const metadata = { ...METADATA, writes: { node: [new HumanMessage('m'), new Set([1]), undefined] } };
      const config = await writer.put(thread, emptyAt(1), metadata, {});
      expect((await ours.getTuple(config))?.metadata).toStrictEqual((await official.getTuple(config))?.metadata);
      expect((await ours.getTuple(config))?.metadata).toEqual(metadata);
    });

    it('can contain data that looks serialized, which both can read', async () => {
      const [writer, reader] = savers();
      const messages = [new HumanMessage({ content: 'x', additional_kwargs: { plain: { lc: 'en', n: [1] } } })];
      const data = { lc: 7, type: 'constructor', id: ['Set'], kwargs: { lc: null, type: 'secret' } };
      const versions = { data: 1, messages: 1 };
      const checkpoint = { ...emptyAt(1), channel_values: { data, messages }, channel_versions: versions };
      const config = await writer.put(thread, checkpoint, METADATA, versions);
      await writer.putWrites(config, [['data', data], ['messages', messages]], 'task'); // prettier-ignore
      const tuple = await reader.getTuple(config);
      expect(tuple?.checkpoint.channel_values).toEqual({ data, messages });
      expect(tuple?.pendingWrites).toEqual([['task', 'data', data], ['task', 'messages', messages]]); // prettier-ignore
    });

    it('can be forked, and both savers find both branches', async () => {
      const [writer, reader] = savers();
      await compile(writer).invoke(INPUT, thread);
      await compile(writer).invoke(new Command({ resume: 'so' }), thread);
      const [past] = (await statesOf(writer, thread)).filter(({ next }) => next[0] === 'child');
      const fork = await compile(reader).updateState(past.config, { word: 'forked' }, 'before');
      await compile(reader).invoke(null, fork);
      await compile(reader).invoke(new Command({ resume: 'or so' }), thread);
      const ends = async (saver: BaseCheckpointSaver) =>
        (await statesOf(saver, thread)).filter(({ next }) => next.length === 0).map(({ values }) => values as unknown);
      expect(await ends(writer)).toStrictEqual(await ends(reader));
      expect(await ends(reader)).toMatchObject([
        { log: LOG, word: 'forked', answer: 'or so' },
        { log: LOG, answer: 'so' },
      ]);
    });

    it('can be continued by both in turn', async () => {
      for (const [index, saver] of [...savers(), ...savers()].entries()) {
        await compile(saver).invoke({ ...INPUT, word: String(index) }, thread);
        await compile(saver).invoke(new Command({ resume: 'so' }), thread);
      }
      const expected = [0, 1, 2, 3].flatMap((word) => [`before:${word}`, ...LOG.slice(1)]);
      for (const saver of savers()) {
        expect(logOf(await compile(saver).getState(thread))).toEqual(expected);
      }
    });

    it('is deleted by either, and no other thread is', async () => {
      const [writer, reader] = savers();
      const other = { configurable: { thread_id: 'other' } };
      await compile(writer).invoke(INPUT, thread);
      await compile(writer).invoke(INPUT, other);
      const before = await tuplesOf(writer, other);
      await reader.deleteThread('t');
      for (const table of ['checkpoints', 'checkpoint_blobs', 'checkpoint_writes']) {
        const { rows } = await database.pool.query(`SELECT DISTINCT thread_id FROM ${table}`);
        expect(rows).toEqual([{ thread_id: 'other' }]);
      }
      expect(await tuplesOf(writer, other)).toStrictEqual(before);
    });
  });

  describe('reads data that the official saver has written and cannot read', () => {
    const mark = (id: string[], kwargs: object) => ({ lc: 1, type: 'constructor', id, kwargs });

    it.each([
      ['an unknown class', mark(['langchain', 'chat_models', 'openai', 'ChatOpenAI'], { model: 'm' })],
      ['a secret', mark(['langchain_core', 'messages', 'HumanMessage'], { content: { lc: 1, type: 'secret', id: ['HOME'] } })],
      ['a class that rejects its fields', mark(['langchain_core', 'messages', 'AIMessage'], { tool_calls: [null] })],
    ])('%s', async (_name, data) => {
      const versions = { data: 1 };
      const config = await official.put(
        { configurable: { thread_id: 't' } },
        { ...emptyAt(1), channel_values: { data }, channel_versions: versions },
        { ...METADATA, given: data } as typeof METADATA,
        versions,
      );
      await official.putWrites(config, [['data', data]], 'task');
      const tuple = await ours.getTuple(config);
      const found = [tuple?.checkpoint.channel_values.data, tuple?.pendingWrites?.[0][2]];
      // The secret stays in the message or in the object.
      expect(JSON.parse(JSON.stringify(found))).toMatchObject([{ id: data.id }, { id: data.id }]);
      expect(tuple?.metadata).toHaveProperty('given');
    }); // prettier-ignore
  });

  it('writes data that the official saver can read', async () => {
    const data = {
      lc: 1,
      type: 'constructor',
      id: ['elsewhere', 'Thing'],
      kwargs: { of: { lc: 2, type: 'undefined' } },
    };
    const values = { data, big: { n: 12n }, error: new TypeError('typed') };
    const versions = { data: 1, big: 1, error: 1 };
    const checkpoint = { ...emptyAt(1), channel_values: values, channel_versions: versions };
    const config = await ours.put({ configurable: { thread_id: 't' } }, checkpoint, METADATA, versions);
    expect((await ours.getTuple(config))?.checkpoint.channel_values).toEqual(values);
    expect((await official.getTuple(config))?.checkpoint.channel_values).toEqual({
      data: {
        '~lc': 1,
        type: 'constructor',
        id: ['elsewhere', 'Thing'],
        kwargs: { of: { '~lc': 2, type: 'undefined' } },
      },
      big: { n: { lc: 2, type: 'constructor', id: ['BigInt'], method: null, args: ['12'], kwargs: {} } },
      error: new Error('typed'),
    });
  });

  it('replaces interrupts and errors as the official saver does, even two at a time, and never the return value of a task', async () => {
    const checkpoint = emptyAt(1);
    for (const [thread_id, saver] of [
      ['a', official],
      ['b', ours],
    ] as const) {
      // prettier-ignore
      const config = await saver.put({ configurable: { thread_id } }, checkpoint, METADATA, {});
      await saver.putWrites(config, [['x', 1], ['y', 2]], 'task'); // prettier-ignore
      await saver.putWrites(config, [['x', 3], ['__interrupt__', 4]], 'task'); // prettier-ignore
      await saver.putWrites(config, [['__interrupt__', 5], ['__error__', 6], ['__interrupt__', 7]], 'task'); // prettier-ignore
    }
    // By id: without one, our saver omits the interrupts of a finished task.
    const configurable = { checkpoint_id: checkpoint.id, checkpoint_ns: '' };
    const writesOf = async (saver: BaseCheckpointSaver, thread_id: string) =>
      (await saver.getTuple({ configurable: { ...configurable, thread_id } }))?.pendingWrites;
    expect(await writesOf(ours, 'b')).toEqual(await writesOf(official, 'a'));
    expect(await writesOf(ours, 'b')).toHaveLength(4);
  });

  it('accepts as many writes of one task', async () => {
    const config = await ours.put({ configurable: { thread_id: 't' } }, emptyAt(1), METADATA, {});
    const writes = Array.from({ length: 20_000 }, (_, index): [string, unknown] => ['__pregel_tasks', { index }]);
    await ours.putWrites(config, writes, 'task');
    const found = (await official.getTuple(config))?.pendingWrites;
    expect(found).toEqual(writes.map(([channel, value]) => ['task', channel, value]));
  });

  describe('reads checkpoints from before Sends had a channel as the official saver does', () => {
    const old = (id: number, v: number, versions: Record<string, number> = {}) => ({
      ...emptyAt(id),
      v,
      channel_values: { text: `value ${id}`, count: id },
      channel_versions: versions,
    });

    /** Rows as an older official saver wrote them. */
    async function writeOldThread(thread_id: string, checkpoint_ns = ''): Promise<void> {
      let config: CheckpointTuple['config'] = { configurable: { thread_id, checkpoint_ns } };
      const put = async (checkpoint: ReturnType<typeof old>, newVersions = checkpoint.channel_versions) => {
        config = await official.put(config, checkpoint, METADATA, newVersions);
      };
      await put(old(1, 1));
      await official.putWrites(config, [['__pregel_tasks', new Send('a', { set: new Set([1]) })]], 'task-b');
      await official.putWrites(config, [['text', 'no Send'], ['__pregel_tasks', 'second']], 'task-a'); // prettier-ignore
      await put(old(2, 1));
      await put(old(3, 2, { text: 2, count: 5 }), { text: 2 });
      await official.putWrites(config, [['__pregel_tasks', { node: 'n', args: new HumanMessage('m') }]], 'task');
      await put(old(4, 3, { text: 3, count: 5, __pregel_tasks: 1 }), { text: 3 });
      await official.putWrites(config, [['__pregel_tasks', undefined]], 'task');
      await put(old(5, 4, { text: 3, count: 6 }), { count: 6 });
      await official.putWrites(config, [['__pregel_tasks', 'of version 4']], 'task');
      await put(old(6, 3, { text: 3, count: 6 }), {});
    }

    it('one by one and in lists, in each namespace', async () => {
      await writeOldThread('t');
      await writeOldThread('t', 'child:1');
      const all = await tuplesOf(official, { configurable: { thread_id: 't', checkpoint_ns: 'child:1' } });
      expect(all.map(({ checkpoint }) => checkpoint.channel_values.__pregel_tasks)).toEqual([
        ['of version 4'],
        undefined,
        [{ node: 'n', args: new HumanMessage('m') }],
        undefined,
        ['second', { node: 'a', args: { set: new Set([1]) } }],
        undefined,
      ]);
      for (const configurable of [{ thread_id: 't' }, { thread_id: 't', checkpoint_ns: 'child:1' }]) {
        for (const options of [{}, { limit: 1 }, { limit: 4 }, { before: all[3].config, limit: 1 }]) {
          const config = { configurable };
          expect(await tuplesOf(ours, config, options)).toStrictEqual(await tuplesOf(official, config, options));
        }
      }
      for (const { config } of all) {
        expect(sorted(await ours.getTuple(config))).toStrictEqual(sorted(await official.getTuple(config)));
      }
    });

    it('of several threads in one list, which the official saver does not', async () => {
      await writeOldThread('t');
      await writeOldThread('u');
      const one = await tuplesOf(ours, { configurable: { thread_id: 'u' } });
      const both = await tuplesOf(ours, { configurable: {} });
      expect(both.filter(({ config }) => config.configurable?.thread_id === 'u')).toStrictEqual(one);
    });

    it('and continues from them', async () => {
      const thread = { configurable: { thread_id: 't' } };
      const parent = new StateGraph(State)
        .addNode('plan', () => ({ log: ['plan'] }))
        .addNode('worker', ({ word }: { word: string }) => ({ log: [`worker:${word}`] }))
        .addEdge(START, 'plan')
        .addConditionalEdges('plan', () => [new Send('worker', { word: 'a' }), new Send('worker', { word: 'b' })])
        .addEdge('worker', END);
      await parent.compile({ checkpointer: official, interruptBefore: ['worker'] }).invoke({ word: 'x' }, thread);
      await database.pool.query(
        `UPDATE checkpoints SET checkpoint = checkpoint #- '{channel_versions,__pregel_tasks}' || '{"v": 3}'`,
      );
      await database.pool.query(`DELETE FROM checkpoint_blobs WHERE channel = '__pregel_tasks'`);
      const graph = parent.compile({ checkpointer: ours });
      expect((await graph.getState(thread)).next).toEqual(['worker', 'worker']);
      expect((await graph.invoke(null, thread)).log).toEqual(['plan', 'worker:a', 'worker:b']);
    });
  });
});

describe('A database', () => {
  let database: TestDatabase;
  afterEach(() => database.drop());
  const thread = { configurable: { thread_id: 't' } };

  it('that the official saver has set up is adopted with all its data', async () => {
    database = await createDatabase({ empty: true });
    const official = new PostgresSaver(database.pool);
    await official.setup();
    await compile(official).invoke(INPUT, thread);
    expect(await runToEnd(['migrate'], { database })).toMatchObject({ code: 0 });
    await compile(new PostgresCheckpointer(database.pool)).invoke(new Command({ resume: 'so' }), thread);
    await official.setup();
    expect(logOf(await compile(official).getState(thread))).toEqual(LOG);
  });

  it('of this server is not changed when the official saver sets it up', async () => {
    database = await createDatabase();
    const before = await columnsOf(database);
    const official = new PostgresSaver(database.pool);
    await official.setup();
    expect(await columnsOf(database)).toEqual(before);
    await compile(official).invoke(INPUT, thread);
    expect(await runToEnd(['migrate'], { database })).toMatchObject({ code: 0 });
    const ours = compile(new PostgresCheckpointer(database.pool));
    expect((await ours.invoke(new Command({ resume: 'so' }), thread)).log).toEqual(LOG);
  });
});

const METADATA = { source: 'loop', step: 0, parents: {} } as const;

/** A checkpoint without values; ids increase with steps. */
const emptyAt = (step: number) => ({
  v: 4,
  id: uuid6(step),
  ts: new Date(0).toISOString(),
  channel_values: {},
  channel_versions: {},
  versions_seen: {},
});

async function tuplesOf(
  saver: BaseCheckpointSaver,
  config: Parameters<BaseCheckpointSaver['list']>[0],
  options?: Parameters<BaseCheckpointSaver['list']>[1],
): Promise<CheckpointTuple[]> {
  const tuples: CheckpointTuple[] = [];
  for await (const tuple of saver.list(config, options)) {
    tuples.push(sorted(tuple));
  }
  return tuples;
}

/** The official saver has no task paths: it returns pending writes in the order of task ids alone. */
function sorted<T extends CheckpointTuple | undefined>(tuple: T): T {
  const pendingWrites = tuple?.pendingWrites?.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return tuple && { ...tuple, pendingWrites };
}

async function statesOf(saver: BaseCheckpointSaver, config: { configurable: { thread_id: string } }) {
  const states = [];
  for await (const state of compile(saver).getStateHistory(config)) {
    states.push(state);
  }
  return states;
}

async function columnsOf({ pool }: TestDatabase): Promise<unknown[]> {
  const { rows } = await pool.query<object>(
    `SELECT table_name, column_name, data_type, is_nullable, column_default
     FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`,
  );
  return rows;
}

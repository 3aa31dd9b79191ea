import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { sendJson } from '../support/http.js';
import {
  type Client,
  connect,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
  untilAnswered,
} from '../support/sdk.js';

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)$/;

const server = serverForFile();

describe.each(SDKS)('threads with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  describe('created', () => {
    it('are idle, without values and interrupts', async () => {
      const created = await client.threads.create();
      expect(created).toEqual({
        thread_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        created_at: expect.stringMatching(TIMESTAMP),
        updated_at: expect.stringMatching(TIMESTAMP),
        state_updated_at: null,
        metadata: {},
        status: 'idle',
        config: {},
        values: null,
        interrupts: {},
        error: null,
      });
      expect(await client.threads.get(created.thread_id)).toEqual(created);
    });

    it('keep their id and metadata, including the graph', async () => {
      const threadId = randomUUID();
      await client.threads.create({ threadId, graphId: 'echo', metadata: { user: { id: 1 } } });
      const { thread_id, metadata } = await client.threads.get(threadId);
      expect(thread_id).toBe(threadId);
      expect(metadata).toEqual({ graph_id: 'echo', user: { id: 1 } });
    });

    it('with an existing id are rejected, and the stored thread is unchanged', async () => {
      const { thread_id } = await client.threads.create({ metadata: { n: 1 } });
      const again = { threadId: thread_id, metadata: { n: 2 } };
      await expect(client.threads.create(again)).rejects.toMatchObject(refusal(409, 'thread_exists'));
      await expect(client.threads.create({ ...again, ifExists: 'raise' })).rejects.toMatchObject({ status: 409 });
      expect((await client.threads.get(thread_id)).metadata).toEqual({ n: 1 });
    });

    it('with an existing id and "do nothing" return the stored thread unchanged', async () => {
      const stored = await client.threads.create({ metadata: { n: 1 } });
      const again = { threadId: stored.thread_id, metadata: { n: 2 }, ifExists: 'do_nothing' as const };
      expect(await client.threads.create(again)).toEqual(stored);
    });

    it('with an id that is not a UUID are rejected', async () => {
      await expect(client.threads.create({ threadId: 'mine' })).rejects.toMatchObject(
        refusal(422, 'validation_failed'),
      );
    });
  });

  it('reports an unknown thread with the message that clients expect', async () => {
    const id = randomUUID();
    await expect(client.threads.get(id)).rejects.toThrow(new RegExp(`^HTTP 404: .*Thread with ID ${id} not found`));
  });

  it('rejects an id that is not a UUID', async () => {
    await expect(client.threads.get('mine')).rejects.toMatchObject(refusal(422, 'validation_failed'));
  });

  describe('updated', () => {
    it('merge metadata at the top level', async () => {
      const { thread_id } = await client.threads.create({ metadata: { kept: 1, nested: { old: true } } });
      const updated = await client.threads.update(thread_id, { metadata: { nested: { new: true }, added: null } });
      expect(updated.metadata).toEqual({ kept: 1, nested: { new: true }, added: null });
      expect(await client.threads.get(thread_id)).toEqual(updated);
    });

    it('show the time of the update', async () => {
      const created = await client.threads.create();
      const updated = await client.threads.update(created.thread_id, { metadata: {} });
      expect(Date.parse(updated.updated_at)).toBeGreaterThan(Date.parse(created.updated_at));
      expect(updated.created_at).toBe(created.created_at);
    });

    it('return no body when the client prefers none', async () => {
      const { thread_id } = await client.threads.create();
      const terse = connect(Client, server.url, { Prefer: 'return=minimal' });
      expect(await terse.threads.update(thread_id, { metadata: { n: 1 } })).toBeUndefined();
      expect((await client.threads.get(thread_id)).metadata).toEqual({ n: 1 });
    });

    it('must exist', async () => {
      await expect(client.threads.update(randomUUID(), { metadata: {} })).rejects.toMatchObject(
        refusal(404, 'thread_not_found'),
      );
    });
  });

  describe('deleted', () => {
    it('are deleted with their state and runs', async () => {
      const thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      await client.threads.delete(thread_id);
      const gone = refusal(404, 'thread_not_found');
      await expect(client.threads.get(thread_id)).rejects.toMatchObject(gone);
      await expect(client.threads.getState(thread_id)).rejects.toMatchObject(gone);
      await expect(client.threads.getHistory(thread_id)).rejects.toMatchObject(gone);
      await expect(client.runs.list(thread_id)).rejects.toMatchObject(gone);
      await expect(client.threads.delete(thread_id)).rejects.toMatchObject(gone);
    });

    it('leave no data for a new thread with the same id', async () => {
      const thread_id = await newThread(client);
      await client.runs.wait(thread_id, 'steps', { input: {} });
      await client.threads.delete(thread_id);
      await client.threads.create({ threadId: thread_id, graphId: 'steps' });
      expect(await client.threads.getHistory(thread_id)).toEqual([]);
    });

    it('cancel a running run, and clients that wait for it are notified', async () => {
      const thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const waiter = recordingClient(Client, server.url);
      const joined = waiter.client.runs.join(thread_id, run_id);
      await untilAnswered(waiter);
      await client.threads.delete(thread_id);
      expect(await joined).toHaveProperty('__error__');
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject({ status: 404 });
      await expect(client.threads.get(thread_id)).rejects.toMatchObject({ status: 404 });
    });

    it('with running runs, repeatedly, leave the server able to execute others', async () => {
      for (let i = 0; i < 12; i += 1) {
        const thread_id = await newThread(client);
        await startWaiting(client, thread_id);
        await client.threads.delete(thread_id);
      }
      expect(await client.runs.wait(null, 'steps', { input: {} })).toEqual({ path: ['one', 'two', 'three'] });
    });
  });

  describe('searched', () => {
    const mark = randomUUID();
    const ids: Record<'empty' | 'finished' | 'interrupted' | 'failed' | 'busy', string> = {} as never;

    beforeAll(async () => {
      const create = async (name: keyof typeof ids, metadata: object) => {
        ids[name] = (await client.threads.create({ metadata: { mark, ...metadata } })).thread_id;
      };
      await create('empty', { topic: { name: 'birds', depth: 1 } });
      await create('finished', { topic: { name: 'birds', depth: 2 } });
      await create('interrupted', {});
      await create('failed', {});
      await create('busy', {});
      await startWaiting(client, ids.busy);
      await client.runs.wait(ids.finished, 'steps', { input: {} });
      await client.runs.wait(ids.interrupted, 'ask', { input: { question: 'why?' } });
      await client.runs.wait(ids.failed, 'failing', { input: {}, raiseError: false });
    });

    const search = (query: Parameters<Client['threads']['search']>[0] = {}) =>
      client.threads.search({ ...query, metadata: { mark, ...query.metadata } });
    const found = async (query: Parameters<Client['threads']['search']>[0] = {}): Promise<string[]> => {
      const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
      return (await search(query)).map(({ thread_id }) => names.get(thread_id)!);
    };

    it.each([
      ['idle threads', { status: 'idle' }, ['empty', 'finished']],
      ['interrupted threads', { status: 'interrupted' }, ['interrupted']],
      ['failed threads', { status: 'error' }, ['failed']],
      ['busy threads', { status: 'busy' }, ['busy']],
      ['part of their values', { values: { path: ['one', 'two', 'three'] } }, ['finished']],
      ['values only when they have any', { values: {} }, ['failed', 'finished', 'interrupted']],
      ['nested metadata', { metadata: { topic: { name: 'birds' } } }, ['empty', 'finished']],
      ['metadata and status', { metadata: { topic: { name: 'birds' } }, status: 'error' }, []],
    ] as const)('are found and counted by %s', async (_filter, query, expected) => {
      expect((await found(query as object)).sort()).toEqual(expected);
    });

    it('are counted by the same filters', async () => {
      expect(await client.threads.count({ metadata: { mark } })).toBe(5);
      expect(await client.threads.count({ metadata: { mark }, status: 'idle' })).toBe(2);
      expect(await client.threads.count({ metadata: { mark }, values: { question: 'why?' } })).toBe(1);
    });

    it('are found by id', async () => {
      const wanted = [ids.empty, ids.failed, randomUUID()];
      expect((await found({ ids: wanted })).sort()).toEqual(['empty', 'failed']);
      expect(await found({ ids: [] })).toEqual([]);
    });

    it('are sorted by their last change, newest first', async () => {
      expect(await found()).toEqual(['failed', 'interrupted', 'finished', 'busy', 'empty']);
    });

    it.each([
      ['created_at', 'asc', ['empty', 'finished', 'interrupted', 'failed', 'busy']],
      ['created_at', 'desc', ['busy', 'failed', 'interrupted', 'finished', 'empty']],
      ['updated_at', 'asc', ['empty', 'busy', 'finished', 'interrupted', 'failed']],
    ] as const)('are sorted by %s %s', async (sortBy, sortOrder, expected) => {
      expect(await found({ sortBy, sortOrder })).toEqual(expected);
    });

    it.each(['thread_id', 'status', 'state_updated_at'] as const)(
      'can be sorted by %s in both directions',
      async (sortBy) => {
        const up = await found({ sortBy, sortOrder: 'asc' });
        expect(up).toHaveLength(5);
        expect(await found({ sortBy, sortOrder: 'desc' })).toEqual([...up].reverse());
      },
    );

    it('are paginated, with the number of matches and the next offset in headers', async () => {
      const { client: recording, responses } = recordingClient(Client, server.url);
      const page = async (offset: number) =>
        (await recording.threads.search({ metadata: { mark }, limit: 2, offset })).map(({ thread_id }) => thread_id);
      expect(await page(0)).toEqual([ids.failed, ids.interrupted]);
      expect(await page(2)).toEqual([ids.finished, ids.busy]);
      expect(await page(4)).toEqual([ids.empty]);
      const headers = (name: string) => responses.map((response) => response.headers.get(name));
      expect(headers('x-pagination-total')).toEqual(['5', '5', '5']);
      expect(headers('x-pagination-next')).toEqual(['2', '4', null]);
    });

    it('contain only the selected fields', async () => {
      const query = { ids: [ids.finished], select: ['thread_id', 'status', 'values'] as const };
      expect(await search(query as never)).toEqual([
        { thread_id: ids.finished, status: 'idle', values: { path: ['one', 'two', 'three'] } },
      ]);
    });

    it.each([
      'thread_id',
      'created_at',
      'updated_at',
      'state_updated_at',
      'metadata',
      'config',
      'context',
      'status',
      'values',
      'interrupts',
    ] as const)('can be limited to the field %s', async (field) => {
      const [row] = await search({ ids: [ids.finished], select: [field] });
      expect(Object.keys(row)).toEqual([field]);
    });

    it.each([
      ['an unknown sort field', { sortBy: 'colour' }, 'validation_failed'],
      ['an unknown selected field', { select: ['colour'] }, 'validation_failed'],
      ['an unknown status', { status: 'asleep' }, 'validation_failed'],
      ['an id that is no UUID', { ids: ['mine'] }, 'validation_failed'],
      ['a limit of 0', { limit: 0 }, 'validation_failed'],
      ['a limit above 1000', { limit: 1001 }, 'validation_failed'],
    ])('with %s are rejected', async (_problem, query, code) => {
      await expect(search(query as object)).rejects.toMatchObject(refusal(422, code));
    });

    /** SDK 2.0.0 does not know this field. */
    const extracting = (extract: unknown, fields: object = {}) =>
      sendJson(`${server.url}/threads/search`, { metadata: { mark }, ids: [ids.finished], extract, ...fields });

    it('contain the extracted values, and nothing else when nothing else is selected', async () => {
      const extract = {
        last: 'values.path[-1]',
        first: 'values.path[0]',
        topic: 'metadata.topic.name',
        graph: 'metadata.graph_id',
        all: 'values',
        missing: 'values.nothing.there[3]',
        open: 'interrupts',
      };
      const { json } = await extracting(extract, { select: ['status'] });
      expect(json).toEqual([
        {
          status: 'idle',
          extracted: {
            last: 'three',
            first: 'one',
            topic: 'birds',
            graph: 'steps',
            all: { path: ['one', 'two', 'three'] },
            missing: null,
            open: {},
          },
        },
      ]);
      const [thread] = await search({ ids: [ids.finished] });
      expect((await extracting({ last: 'values.path[-1]' })).json).toEqual([
        { ...thread, extracted: { last: 'three' } },
      ]);
    });

    it.each([['kwargs.x'], ["values.a'); DROP TABLE threads; --[x]"], ['values[zero]'], [''], [7]])(
      'cannot have %j extracted',
      async (path) => {
        expect(await extracting({ a: path })).toMatchObject({ status: 422, json: { errors: [{ path: 'extract' }] } });
      },
    );
  });

  it('is busy during a run and idle after it', async () => {
    const thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
    gate.open();
    await client.runs.join(thread_id, run_id);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
  });

  it('has the state, config and graph of its last run', async () => {
    const created = await client.threads.create();
    await client.runs.wait(created.thread_id, 'steps', { input: {}, config: { configurable: { tone: 'kind' } } });
    const thread = await client.threads.get(created.thread_id);
    const { assistant_id } = await client.assistants.get('steps');
    expect(thread).toMatchObject({
      status: 'idle',
      values: { path: ['one', 'two', 'three'] },
      interrupts: {},
      error: null,
      config: { configurable: { tone: 'kind' } },
    });
    expect(thread.metadata).toEqual({ graph_id: 'steps', assistant_id });
    expect(thread.state_updated_at).toMatch(TIMESTAMP);
  });
});

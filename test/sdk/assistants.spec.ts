import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v5 } from 'uuid';
import { sendJson } from '../support/http.js';
import { createProject } from '../support/project.js';
import { type Client, connect, newThread, recordingClient, refusal, SDKS, serverForFile } from '../support/sdk.js';

const GRAPHS = ['ask', 'commonjs', 'echo', 'failing', 'nested', 'promised', 'settings', 'steps', 'tokens', 'waiting'];
const SYSTEM_NAMESPACE = '6ba7b821-9dad-11d1-80b4-00c04fd430c8';
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)$/;

const server = serverForFile();

describe.each(SDKS)('assistants with SDK %s', (_, Client) => {
  let client: Client;
  /** Marks the assistants of one test. */
  let mark: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const create = (
    name: string,
    fields: Partial<Parameters<Client['assistants']['create']>[0]> = {},
  ): ReturnType<Client['assistants']['create']> =>
    client.assistants.create({ graphId: 'echo', name, ...fields, metadata: { mark, ...fields.metadata } });

  const namesOf = (assistants: { name: string }[]): string[] => assistants.map(({ name }) => name);

  describe('of the system', () => {
    it('exist once for each graph, with an id derived from its name', async () => {
      expect(v5('agent', SYSTEM_NAMESPACE)).toBe('fe096781-5601-53d2-b2f6-0d3403f7e9ca');
      const query = { metadata: { created_by: 'system' }, sortBy: 'name', sortOrder: 'asc', limit: 100 } as const;
      const own = (await client.assistants.search(query)).filter(({ graph_id }) => GRAPHS.includes(graph_id));
      expect(own.map(({ assistant_id, graph_id, name, version }) => [assistant_id, graph_id, name, version])).toEqual(
        GRAPHS.map((graph) => [v5(graph, SYSTEM_NAMESPACE), graph, graph, 1]),
      );
    });

    it('have the description of langgraph.json', async () => {
      expect((await client.assistants.get('echo')).description).toBe('Gives back the messages it was given.');
      expect((await client.assistants.get('steps')).description).toBeNull();
    });

    it('are found by the name of their graph wherever an id is expected', async () => {
      const id = v5('steps', SYSTEM_NAMESPACE);
      expect((await client.assistants.get('steps')).assistant_id).toBe(id);
      expect((await client.assistants.getVersions('steps')).at(-1)).toMatchObject({ assistant_id: id, version: 1 });
      expect(await client.assistants.setLatest('steps', 1)).toMatchObject({ assistant_id: id });
      const run = await client.runs.create(await newThread(client), 'steps', { input: {} });
      expect(run.assistant_id).toBe(id);
      await client.runs.join(run.thread_id, run.run_id);
    });

    it('cannot be deleted', async () => {
      await expect(client.assistants.delete('promised')).rejects.toMatchObject(refusal(409, 'system_assistant'));
      expect(await client.assistants.get('promised')).toMatchObject({ graph_id: 'promised' });
    });
  });

  describe('created', () => {
    it('have defaults for everything but the graph', async () => {
      const created = await client.assistants.create({ graphId: 'echo' });
      expect(created).toEqual({
        assistant_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        graph_id: 'echo',
        name: 'Untitled',
        description: null,
        config: {},
        context: {},
        metadata: {},
        version: 1,
        created_at: expect.stringMatching(TIMESTAMP),
        updated_at: expect.stringMatching(TIMESTAMP),
      });
      expect(await client.assistants.get(created.assistant_id)).toEqual(created);
    });

    it('keep all given fields', async () => {
      const given = {
        assistantId: randomUUID(),
        graphId: 'settings',
        name: 'Parrot',
        description: 'Repeats.',
        config: { tags: ['a'], recursion_limit: 7, configurable: { model: 'm' } },
        context: { tone: 'kind' },
        metadata: { owner: { team: 'x' } },
      };
      const { assistantId, graphId, ...rest } = given;
      expect(await client.assistants.create(given)).toMatchObject({
        assistant_id: assistantId,
        graph_id: graphId,
        ...rest,
      });
    });

    it('with an empty name have the name of their graph', async () => {
      expect(await client.assistants.create({ graphId: 'steps', name: '' })).toMatchObject({ name: 'steps' });
    });

    it('with a taken id are refused, and the existing one is unchanged', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'echo', name: 'first' });
      const again = { assistantId: assistant_id, graphId: 'steps', name: 'second' };
      await expect(client.assistants.create(again)).rejects.toMatchObject(refusal(409, 'assistant_exists'));
      await expect(client.assistants.create({ ...again, ifExists: 'raise' })).rejects.toMatchObject({ status: 409 });
      expect(await client.assistants.get(assistant_id)).toMatchObject({ name: 'first', graph_id: 'echo', version: 1 });
    });

    it('with a taken id and "do_nothing" return the existing one unchanged', async () => {
      const stored = await client.assistants.create({ graphId: 'echo', name: 'first' });
      const again = { assistantId: stored.assistant_id, graphId: 'steps', name: 'second' };
      expect(await client.assistants.create({ ...again, ifExists: 'do_nothing' })).toEqual(stored);
      expect(await client.assistants.getVersions(stored.assistant_id)).toHaveLength(1);
    });

    it('for a missing graph are refused', async () => {
      const assistantId = randomUUID();
      await expect(client.assistants.create({ assistantId, graphId: 'nowhere' })).rejects.toMatchObject({
        status: 404,
      });
      await expect(client.assistants.get(assistantId)).rejects.toMatchObject(refusal(404, 'assistant_not_found'));
    });

    it('without a graph use the only one of the server, and are refused when it has several', async () => {
      const graphId = null as unknown as string;
      const creating = client.assistants.create({ graphId });
      await expect(creating).rejects.toMatchObject(refusal(422, 'validation_failed'));
      await expect(creating).rejects.toThrow(/graph_id: is required: this server has the graphs .*echo/);
      const project = await createProject({ graphs: ['steps.ts'] });
      const lone = await project.start({ database: server.database });
      try {
        expect(await connect(Client, lone.url).assistants.create({ graphId })).toMatchObject({ graph_id: 'steps' });
      } finally {
        await lone.stop();
        await project.remove();
      }
    });

    it('with an id that is not a UUID are refused', async () => {
      await expect(client.assistants.create({ assistantId: 'parrot', graphId: 'echo' })).rejects.toMatchObject(
        refusal(422, 'validation_failed'),
      );
    });
  });

  describe('searched', () => {
    beforeAll(async () => {
      mark = randomUUID();
      await create('Red parrot', { metadata: { bird: { colour: 'red', size: 1 } } });
      await create('Blue PARROT', { graphId: 'steps', metadata: { bird: { colour: 'blue', size: 1 } } });
      await create('100% owl', { metadata: { bird: { colour: 'red' }, tags: ['night'] } });
    });

    const search = (query: Parameters<Client['assistants']['search']>[0] = {}) =>
      client.assistants.search({ ...query, includePagination: false, metadata: { mark, ...query.metadata } });

    it('come newest first', async () => {
      expect(namesOf(await search())).toEqual(['100% owl', 'Blue PARROT', 'Red parrot']);
    });

    it.each([
      ['the graph', { graphId: 'steps' }, ['Blue PARROT']],
      ['a part of the name in any case', { name: 'parrot' }, ['Blue PARROT', 'Red parrot']],
      ['a name literally', { name: '%' }, ['100% owl']],
      ['a name without placeholders', { name: 'Red_parrot' }, []],
      ['a name without escapes', { name: '\\' }, []],
      ['nested metadata', { metadata: { bird: { colour: 'red' } } }, ['100% owl', 'Red parrot']],
      ['several filters at once', { name: 'parrot', metadata: { bird: { colour: 'red' } } }, ['Red parrot']],
      ['metadata without matches', { metadata: { bird: { colour: 'green' } } }, []],
    ])('are found and counted by %s', async (_filter, query, expected) => {
      expect(namesOf(await search(query))).toEqual(expected);
      const { metadata, ...rest } = query as { metadata?: object };
      expect(await client.assistants.count({ ...rest, metadata: { mark, ...metadata } })).toBe(expected.length);
    });

    it.each([
      ['name', 'asc', ['100% owl', 'Blue PARROT', 'Red parrot']],
      ['graph_id', 'desc', ['Blue PARROT']],
      ['created_at', 'asc', ['Red parrot', 'Blue PARROT', '100% owl']],
    ] as const)('are sorted by %s %s', async (sortBy, sortOrder, expected) => {
      const found = namesOf(await search({ sortBy, sortOrder }));
      expect(found.slice(0, expected.length)).toEqual(expected);
    });

    it('are sorted by the last change', async () => {
      const [{ assistant_id }] = await search({ name: 'red' });
      await client.assistants.update(assistant_id, {});
      expect(namesOf(await search({ sortBy: 'updated_at' }))[0]).toBe('Red parrot');
    });

    it('come in pages whose headers contain the number of matches and the next offset', async () => {
      const { client: recording, responses } = recordingClient(Client, server.url);
      const page = (offset: number) =>
        recording.assistants.search({ metadata: { mark }, limit: 2, offset, includePagination: true });
      expect(await page(0)).toMatchObject({ next: '2', assistants: [{ name: '100% owl' }, { name: 'Blue PARROT' }] });
      expect(await page(2)).toMatchObject({ next: null, assistants: [{ name: 'Red parrot' }] });
      expect(await page(4)).toEqual({ next: null, assistants: [] });
      expect(responses.map(({ headers }) => headers.get('x-pagination-total'))).toEqual(['3', '3', '3']);
    });

    it('have only the selected fields', async () => {
      const [first] = await search({ select: ['name', 'metadata'] });
      expect(Object.keys(first).sort()).toEqual(['metadata', 'name']);
    });

    it.each([
      ['an unknown sort field', { sortBy: 'colour' }],
      ['an unknown selected field', { select: ['colour'] }],
      ['a limit of 0', { limit: 0 }],
      ['a limit above 1000', { limit: 1001 }],
      ['a negative offset', { offset: -1 }],
    ])('with %s are refused', async (_problem, query) => {
      await expect(search(query as object)).rejects.toMatchObject(refusal(422, 'validation_failed'));
    });
  });

  describe('updated', () => {
    it('replace given fields, keep the others, and merge metadata at the top level', async () => {
      const { assistant_id } = await client.assistants.create({
        graphId: 'echo',
        name: 'before',
        description: 'kept',
        config: { tags: ['old'], configurable: { a: 1 } },
        context: { old: true },
        metadata: { kept: 1, nested: { old: true } },
      });
      const updated = await client.assistants.update(assistant_id, {
        graphId: 'steps',
        name: 'after',
        config: { configurable: { b: 2 } },
        context: { new: true },
        metadata: { nested: { new: true } },
      });
      expect(updated).toMatchObject({
        assistant_id,
        graph_id: 'steps',
        name: 'after',
        description: 'kept',
        version: 2,
      });
      expect(updated.config).toEqual({ configurable: { b: 2 } });
      expect(updated.context).toEqual({ new: true });
      expect(updated.metadata).toEqual({ kept: 1, nested: { new: true } });
      expect(await client.assistants.get(assistant_id)).toEqual(updated);
    });

    it('create a new version each time, even with an empty update', async () => {
      const { assistant_id, metadata, ...before } = await client.assistants.create({ graphId: 'echo', name: 'same' });
      const after = await client.assistants.update(assistant_id, {});
      expect(after).toEqual({ ...before, assistant_id, metadata, version: 2, updated_at: after.updated_at });
      expect(Date.parse(after.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
    });

    it('can be given an empty config and context', async () => {
      const { assistant_id } = await client.assistants.create({
        graphId: 'echo',
        config: { tags: ['x'] },
        context: { a: 1 },
      });
      const updated = await client.assistants.update(assistant_id, { config: {}, context: {} });
      expect(updated).toMatchObject({ config: {}, context: {} });
    });

    it('concurrently all get their own version', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'echo' });
      const updates = await Promise.all(
        [1, 2, 3, 4].map((n) => client.assistants.update(assistant_id, { metadata: { [`key${n}`]: n } })),
      );
      expect(updates.map(({ version }) => version).sort()).toEqual([2, 3, 4, 5]);
      const { metadata } = await client.assistants.get(assistant_id);
      expect(metadata).toEqual({ key1: 1, key2: 2, key3: 3, key4: 4 });
    });

    it('are refused for an unknown assistant or graph, and create no version', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'echo' });
      await expect(client.assistants.update(randomUUID(), { name: 'x' })).rejects.toMatchObject({ status: 404 });
      await expect(client.assistants.update(assistant_id, { graphId: 'nowhere' })).rejects.toMatchObject({
        status: 404,
      });
      expect(await client.assistants.getVersions(assistant_id)).toHaveLength(1);
    });
  });

  describe('with versions', () => {
    /** Creates three versions that differ in all fields. */
    const withVersions = async (): Promise<string> => {
      const { assistant_id } = await client.assistants.create({
        graphId: 'echo',
        name: 'one',
        description: 'first',
        config: { tags: ['one'] },
        context: { n: 1 },
        metadata: { n: 1, first: true },
      });
      for (const [n, name, graphId] of [
        [2, 'two', 'steps'],
        [3, 'three', 'ask'],
      ] as const) {
        const rest = { name, graphId, description: name, config: { tags: [name] }, context: { n }, metadata: { n } };
        await client.assistants.update(assistant_id, rest);
      }
      return assistant_id;
    };

    const numbers = (versions: { version: number }[]): number[] => versions.map(({ version }) => version);

    it('list them newest first, in pages', async () => {
      const id = await withVersions();
      expect(numbers(await client.assistants.getVersions(id))).toEqual([3, 2, 1]);
      expect(numbers(await client.assistants.getVersions(id, { limit: 1, offset: 1 }))).toEqual([2]);
    });

    it('list them with the fields of each', async () => {
      const versions = await client.assistants.getVersions(await withVersions());
      expect(versions[2]).toMatchObject({
        graph_id: 'echo',
        name: 'one',
        description: 'first',
        config: { tags: ['one'] },
        context: { n: 1 },
        metadata: { n: 1, first: true },
        created_at: expect.stringMatching(TIMESTAMP),
      });
    });

    it('list only those with matching metadata', async () => {
      const id = await withVersions();
      expect(numbers(await client.assistants.getVersions(id, { metadata: { n: 2 } }))).toEqual([2]);
      expect(await client.assistants.getVersions(id, { metadata: { n: 7 } })).toEqual([]);
    });

    it('restore all fields of a version that is made the latest', async () => {
      const id = await withVersions();
      const restored = await client.assistants.setLatest(id, 1);
      expect(restored).toMatchObject({
        version: 1,
        graph_id: 'echo',
        name: 'one',
        description: 'first',
        config: { tags: ['one'] },
        context: { n: 1 },
      });
      expect(restored.metadata).toEqual({ n: 1, first: true });
      expect(await client.assistants.get(id)).toEqual(restored);
    });

    it('are also made the latest by a version in the query', async () => {
      const id = await withVersions();
      const latest = (body: object) => sendJson(`${server.url}/assistants/${id}/latest?version=2`, body);
      expect((await latest({})).json).toMatchObject({ version: 2, name: 'two', graph_id: 'steps' });
      expect((await latest({ version: 1 })).json).toMatchObject({ version: 1 });
    });

    it('never reuse a number', async () => {
      const id = await withVersions();
      await client.assistants.setLatest(id, 1);
      expect(await client.assistants.update(id, { name: 'four' })).toMatchObject({ version: 4, graph_id: 'echo' });
    });

    it('report a missing version or assistant as not found', async () => {
      const id = await withVersions();
      await expect(client.assistants.setLatest(id, 9)).rejects.toMatchObject(
        refusal(404, 'assistant_version_not_found'),
      );
      await expect(client.assistants.setLatest(randomUUID(), 1)).rejects.toMatchObject({ status: 404 });
      await expect(client.assistants.getVersions(randomUUID())).rejects.toMatchObject({ status: 404 });
      expect(await client.assistants.get(id)).toMatchObject({ version: 3 });
    });
  });

  describe('deleted', () => {
    it('are deleted with their versions', async () => {
      const { assistant_id } = await client.assistants.create({ graphId: 'echo' });
      await client.assistants.delete(assistant_id);
      const notFound = refusal(404, 'assistant_not_found');
      await expect(client.assistants.get(assistant_id)).rejects.toMatchObject(notFound);
      await expect(client.assistants.getVersions(assistant_id)).rejects.toMatchObject(notFound);
      await expect(client.assistants.delete(assistant_id)).rejects.toMatchObject(notFound);
      const { rows } = await server.database.pool.query('SELECT FROM assistant_versions WHERE assistant_id = $1', [
        assistant_id,
      ]);
      expect(rows).toEqual([]);
    });

    /** An assistant with a thread that it has run on. */
    const withThread = async (): Promise<{ assistant_id: string; thread_id: string; run_id: string }> => {
      const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
      const thread_id = await newThread(client);
      const { run_id } = await client.runs.create(thread_id, assistant_id, { input: {} });
      await client.runs.join(thread_id, run_id);
      return { assistant_id, thread_id, run_id };
    };

    it('are deleted with their runs but without their threads', async () => {
      const { assistant_id, thread_id, run_id } = await withThread();
      await client.assistants.delete(assistant_id);
      await expect(client.runs.get(thread_id, run_id)).rejects.toMatchObject({ status: 404 });
      expect((await client.threads.getState(thread_id)).values).toEqual({ path: ['one', 'two', 'three'] });
    });

    it('are deleted with their threads when requested, and no others', async () => {
      const [{ assistant_id, thread_id }, other] = await Promise.all([withThread(), withThread()]);
      await client.assistants.delete(assistant_id, { deleteThreads: true });
      await expect(client.threads.get(thread_id)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
      expect(await client.threads.get(other.thread_id)).toMatchObject({ status: 'idle' });
    });
  });

  it('reports an unknown id in the words that clients match', async () => {
    await expect(client.assistants.get('unknown')).rejects.toThrow(/^HTTP 404: .*Assistant not found/);
  });

  it('explains what an assistant id may be', async () => {
    await expect(client.runs.wait(null, 'unknown', { input: {} })).rejects.toThrow(
      /Assistant not found: unknown\. Send a graph id of langgraph\.json, or the UUID of an assistant\./,
    );
  });
});

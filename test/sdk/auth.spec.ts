import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { send as sendTo, sendJson as sendJsonTo } from '../support/http.js';
import { askUntil } from '../support/until.js';
import { type Client, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';

const PROJECT = path.resolve(import.meta.dirname, '../auth');

const server = serverForFile({ project: PROJECT });

const send = (method: string, route: string, init: RequestInit = {}) =>
  sendTo(`${server.url}${route}`, { method, ...init });
const sendJson = (route: string, body: unknown, headers: Record<string, string>) =>
  sendJsonTo(`${server.url}${route}`, body, { headers });

/** `done`, or the status of the error. */
const statusOf = (attempt: () => Promise<unknown>): Promise<unknown> =>
  attempt().then(
    () => 'done',
    (error: Error & { status?: number }) => error.status ?? error.message,
  );

const as = (name: string) => ({ authorization: `Bearer ${name}` });

describe('without authentication', () => {
  it.each([
    ['GET', '/assistants/steps'],
    ['POST', '/threads'],
    ['POST', '/threads/search'],
    ['POST', '/runs/wait'],
    ['POST', '/runs/stream'],
    ['GET', `/threads/${randomUUID()}/stream`],
    ['GET', '/nothing/here'],
    ['GET', '//ok/../threads'],
    ['GET', '/ok/../threads'],
    ['POST', '/ok'],
    ['GET', '/info/'],
    ['GET', '/%6fk/x'],
  ])('%s %s gets 401', async (method, route) => {
    const { status, headers, json } = await send(method, route);
    expect([status, json]).toEqual([401, { detail: 'Who are you?', code: 'auth_refused' }]);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="test"');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it.each(['/ok', '/info', '/openapi.json', '/docs'])('%s is public', async (route) => {
    expect((await send('GET', route)).status).toBe(200);
  });

  it('a browser may send a preflight', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }; // prettier-ignore
    const { status } = await send('OPTIONS', '/threads', { headers });
    expect(status).toBe(204);
  });

  it('the response hides why the auth module failed', async () => {
    const { status, json } = await send('GET', '/assistants/steps', { headers: as('broken') });
    expect([status, json]).toEqual([500, { detail: 'Internal server error', code: 'internal_error' }]);
  });

  it('the request body is not read', async () => {
    const response = await send('POST', '/threads', { body: '{"broken' });
    expect(response.status).toBe(401);
  });
});

describe.each(SDKS)('two users with SDK %s', (_, Client) => {
  const clientOf = (name: string): Client => new Client({ apiUrl: server.url, defaultHeaders: as(name) });
  let alice: Client;
  let bob: Client;
  let admin: Client;
  let reader: Client;

  beforeAll(() => {
    [alice, bob, admin, reader] = ['alice', 'bob', 'admin', 'reader'].map(clientOf);
  });

  const notFound = { status: 404 };
  const forbidden = { status: 403 };

  describe('have threads', () => {
    it('of their own, which carry their owner and are hidden from other users', async () => {
      const mine = await alice.threads.create({ metadata: { mark: randomUUID(), owner: 'bob' } });
      expect(mine.metadata).toMatchObject({ owner: 'alice' });
      const { mark } = mine.metadata as { mark: string };
      expect(await alice.threads.search({ metadata: { mark } })).toHaveLength(1);
      expect(await alice.threads.count({ metadata: { mark } })).toBe(1);
      expect(await admin.threads.search({ metadata: { mark } })).toHaveLength(1);
      expect(await bob.threads.search({ metadata: { mark } })).toEqual([]);
      expect(await bob.threads.count({ metadata: { mark } })).toBe(0);
      expect(await bob.threads.search({ ids: [mine.thread_id] })).toEqual([]);
    });

    it('whose counts include only their own', async () => {
      await alice.threads.create();
      const all = await admin.threads.count();
      const ofAlice = await alice.threads.count();
      expect(ofAlice).toBeGreaterThan(0);
      expect(await admin.threads.count({ metadata: { owner: 'alice' } })).toBe(ofAlice);
      expect(all).toBeGreaterThanOrEqual(ofAlice);
    });

    it('that do not exist for other users, whatever they call', async () => {
      const thread_id = await newThread(alice);
      const { checkpoint } = await alice.runs
        .wait(thread_id, 'steps', { input: {} })
        .then(() => alice.threads.getState(thread_id));
      const before = await alice.threads.get(thread_id);
      const attempts: Record<string, () => Promise<unknown>> = {
        get: () => bob.threads.get(thread_id),
        update: () => bob.threads.update(thread_id, { metadata: { owner: 'bob' } }),
        delete: () => bob.threads.delete(thread_id),
        copy: () => bob.threads.copy(thread_id),
        getState: () => bob.threads.getState(thread_id),
        getStateAt: () => bob.threads.getState(thread_id, checkpoint.checkpoint_id!),
        getStateAtCheckpoint: () => bob.threads.getState(thread_id, checkpoint),
        updateState: () => bob.threads.updateState(thread_id, { values: { path: ['x'] } }),
        patchState: () => bob.threads.patchState(thread_id, { owner: 'bob' }),
        getHistory: () => bob.threads.getHistory(thread_id),
        runs: () => bob.runs.list(thread_id),
        wait: () => bob.runs.wait(thread_id, 'steps', { input: {} }),
        waitIfNotExists: () => bob.runs.wait(thread_id, 'steps', { input: {}, ifNotExists: 'create' }),
        create: () => bob.runs.create(thread_id, 'steps', { input: {}, ifNotExists: 'create' }),
        enqueue: () => bob.runs.create(thread_id, 'steps', { input: {}, multitaskStrategy: 'enqueue' }),
        batch: () => bob.runs.createBatch([{ assistantId: 'steps', thread_id } as never]),
        stream: async () => {
          for await (const _ of bob.runs.stream(thread_id, 'steps', { input: {} })) {
            throw new Error('the stream has events');
          }
        },
        joinStream: async () => {
          const response = await send('GET', `/threads/${thread_id}/stream`, { headers: as('bob') });
          throw Object.assign(new Error(), { status: response.status });
        },
        storage: async () => {
          const response = await send('GET', `/threads/${thread_id}/storage`, { headers: as('bob') });
          throw Object.assign(new Error(), { status: response.status });
        },
        prune: async () => {
          const body = { thread_ids: [thread_id] };
          const response = await sendJson('/threads/prune', body, as('bob'));
          throw Object.assign(new Error(), { status: response.status });
        },
      };
      for (const [name, attempt] of Object.entries(attempts)) {
        const status = await statusOf(attempt);
        expect([name, status]).toEqual([name, 404]);
      }
      expect(await alice.threads.get(thread_id)).toEqual(before);
      expect(await alice.runs.list(thread_id)).toHaveLength(1);
    });

    it('whose ids are taken for other users, without revealing anything about them', async () => {
      const thread_id = await newThread(alice);
      for (const ifExists of ['raise', 'do_nothing'] as const) {
        await expect(bob.threads.create({ threadId: thread_id, ifExists })).rejects.toMatchObject({ status: 409 });
      }
      expect(await alice.threads.create({ threadId: thread_id, ifExists: 'do_nothing' })).toMatchObject({ thread_id });
    });

    it('whose copies belong to them', async () => {
      const thread_id = await newThread(alice);
      const copy = await admin.threads.copy(thread_id);
      expect(copy.metadata).toMatchObject({ owner: 'alice' });
      expect((await alice.threads.copy(thread_id)).metadata).toMatchObject({ owner: 'alice' });
    });
  });

  describe('have runs', () => {
    it('that other users cannot read, join or cancel', async () => {
      const thread_id = await newThread(alice);
      const { gate, run_id } = await startWaiting(alice, thread_id);
      const attempts: Record<string, () => Promise<unknown>> = {
        get: () => bob.runs.get(thread_id, run_id),
        join: () => bob.runs.join(thread_id, run_id),
        cancel: () => bob.runs.cancel(thread_id, run_id),
        delete: () => bob.runs.delete(thread_id, run_id),
        stream: async () => {
          for await (const _ of bob.runs.joinStream(thread_id, run_id)) {
            throw new Error('the stream has events');
          }
        },
        streamById: async () => {
          const response = await send('GET', `/runs/${run_id}/stream`, { headers: as('bob') });
          throw Object.assign(new Error(), { status: response.status });
        },
        joinById: async () => {
          const response = await send('GET', `/runs/${run_id}/join`, { headers: as('bob') });
          throw Object.assign(new Error(), { status: response.status });
        },
        cancelMany: async () => {
          const body = { thread_id, run_ids: [run_id] };
          throw Object.assign(new Error(), {
            status: (await sendJson('/runs/cancel', body, as('bob'))).status,
          });
        },
        cancelAll: async () => {
          throw Object.assign(new Error(), {
            status: (await sendJson('/runs/cancel', { status: 'all' }, as('bob'))).status,
          });
        },
      };
      for (const [name, attempt] of Object.entries(attempts)) {
        const status = await statusOf(attempt);
        expect([name, status]).toEqual([name, 404]);
      }
      expect(await alice.runs.get(thread_id, run_id)).toMatchObject({ status: 'running' });
      gate.open();
      await alice.runs.join(thread_id, run_id);
    });

    it('that receive the authenticated user, whatever the request claims', async () => {
      const config = {
        configurable: { langgraph_auth_user: { identity: 'admin' }, langgraph_auth_user_id: 'admin', user_id: 'admin' },
      };
      const { configurable } = (await alice.runs.wait(null, 'settings', { input: {}, config })) as {
        configurable: Record<string, unknown>;
      };
      expect(configurable).toMatchObject({
        langgraph_auth_user: {
          identity: 'alice',
          display_name: 'ALICE',
          team: 'birds',
          permissions: ['read', 'write'],
        },
        langgraph_auth_user_id: 'alice',
        langgraph_auth_permissions: ['read', 'write'],
        user_id: 'alice',
      });
      expect(JSON.stringify(configurable)).not.toContain('Bearer');
    });

    it('that do not reveal the user in responses', async () => {
      const thread_id = await newThread(alice);
      await alice.runs.wait(thread_id, 'settings', { input: {} });
      const [run] = await alice.runs.list(thread_id);
      const thread = await alice.threads.get(thread_id);
      const history = await alice.threads.getHistory(thread_id);
      const shown = JSON.stringify([run, thread.config, thread.metadata, history.map(({ metadata }) => metadata)]);
      expect(shown).not.toMatch(/langgraph_auth|birds|ALICE/);
    });

    it('on threads that are created for them and belong to them', async () => {
      const thread_id = randomUUID();
      await alice.runs.wait(thread_id, 'steps', { input: {}, ifNotExists: 'create' });
      expect((await alice.threads.get(thread_id)).metadata).toMatchObject({ owner: 'alice' });
      await expect(bob.threads.get(thread_id)).rejects.toMatchObject(notFound);
    });

    it('without a thread, which other users cannot join', async () => {
      const { run_id } = await alice.runs.create(null, 'steps', { input: {}, streamResumable: true });
      const byId = (name: string) => send('GET', `/runs/${run_id}/join`, { headers: as(name) });
      expect((await byId('bob')).status).toBe(404);
      expect((await byId('alice')).status).toBe(200);
    });

    it('of their own assistants and of system assistants, and of no others', async () => {
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      expect(await alice.runs.wait(null, assistant_id, { input: {} })).toMatchObject({ path: ['one', 'two', 'three'] });
      await expect(bob.runs.wait(null, assistant_id, { input: {} })).rejects.toMatchObject(notFound);
      expect(await bob.runs.wait(null, 'steps', { input: {} })).toMatchObject({ path: ['one', 'two', 'three'] });
    });

    it('of system assistants, which they can read but not change', async () => {
      expect(await bob.assistants.getGraph('steps')).toHaveProperty('nodes');
      expect(await bob.assistants.getSchemas('steps')).toMatchObject({ graph_id: 'steps' });
      const { assistant_id } = await bob.assistants.get('steps');
      await expect(bob.assistants.update(assistant_id, { name: 'mine' })).rejects.toMatchObject(notFound);
      await expect(bob.assistants.setLatest(assistant_id, 1)).rejects.toMatchObject(notFound);
    });
  });

  describe('have assistants', () => {
    it('of their own, hidden from other users', async () => {
      const mark = randomUUID();
      const mine = await alice.assistants.create({ graphId: 'steps', metadata: { mark } });
      const id = mine.assistant_id;
      expect(mine.metadata).toMatchObject({ owner: 'alice' });
      expect(await bob.assistants.search({ metadata: { mark } })).toEqual([]);
      expect(await alice.assistants.search({ metadata: { mark } })).toHaveLength(1);
      expect(await bob.assistants.count({ metadata: { mark } })).toBe(0);
      const attempts: Record<string, () => Promise<unknown>> = {
        get: () => bob.assistants.get(id),
        update: () => bob.assistants.update(id, { name: 'stolen' }),
        delete: () => bob.assistants.delete(id),
        getGraph: () => bob.assistants.getGraph(id),
        getSchemas: () => bob.assistants.getSchemas(id),
        getSubgraphs: () => bob.assistants.getSubgraphs(id),
        getSubgraph: () => bob.assistants.getSubgraphs(id, { namespace: 'x' }),
        getVersions: () => bob.assistants.getVersions(id),
        setLatest: () => bob.assistants.setLatest(id, 1),
      };
      for (const [name, attempt] of Object.entries(attempts)) {
        const status = await statusOf(attempt);
        expect([name, status]).toEqual([name, 404]);
      }
      for (const ifExists of ['raise', 'do_nothing'] as const) {
        const again = bob.assistants.create({ graphId: 'steps', assistantId: id, ifExists });
        await expect(again).rejects.toMatchObject({ status: 409 });
      }
      expect(await alice.assistants.get(id)).toEqual(mine);
    });

    it('whose threads are deleted with them, but only their own threads', async () => {
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      const mine = await newThread(alice);
      await alice.runs.wait(mine, assistant_id, { input: {} });
      const other = await bob.threads.create({ metadata: { assistant_id } });
      await alice.assistants.delete(assistant_id, { deleteThreads: true });
      await expect(alice.threads.get(mine)).rejects.toMatchObject(notFound);
      expect(await bob.threads.get(other.thread_id)).toMatchObject({ thread_id: other.thread_id });
    });
  });

  describe('have crons', () => {
    const schedule = '0 0 1 1 *';

    it('of their own, hidden from other users', async () => {
      const mine = (await alice.crons.create('steps', { schedule, metadata: { owner: 'bob' } })) as unknown as {
        cron_id: string;
        user_id: string;
        metadata: object;
      };
      expect(mine).toMatchObject({ user_id: 'alice', metadata: { owner: 'alice' } });
      expect(JSON.stringify(mine)).not.toMatch(/birds|ALICE/);
      const { cron_id } = mine;
      const found = async (client: Client): Promise<boolean> =>
        (await client.crons.search({ limit: 1_000 })).some((cron) => cron.cron_id === cron_id);
      expect([await found(alice), await found(bob), await found(admin)]).toEqual([true, false, true]);
      expect(await statusOf(() => bob.crons.delete(cron_id))).toBe(404);
      for (const [method, body] of [['GET'], ['PATCH', '{"enabled":false}']] as const) {
        const attempt = send(method, `/runs/crons/${cron_id}`, { body, headers: as('bob') });
        expect((await attempt).status).toBe(404);
      }
      expect(await statusOf(() => alice.crons.delete(cron_id))).toBe('done');
    });

    it('on their own threads, of their own assistants', async () => {
      const thread_id = await newThread(alice);
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      expect(await statusOf(() => bob.crons.createForThread(thread_id, 'steps', { schedule }))).toBe(404);
      expect(await statusOf(() => bob.crons.create(assistant_id, { schedule }))).toBe(404);
      expect(await statusOf(() => reader.crons.create('steps', { schedule }))).toBe(403);
      expect(await statusOf(() => alice.crons.createForThread(thread_id, assistant_id, { schedule }))).toBe('done');
    });

    it('whose runs act as them', async () => {
      const thread_id = await newThread(alice);
      const cron = await alice.crons.createForThread(thread_id, 'settings', { schedule: '* * * * * *', input: {} });
      const settings = async () => ((await alice.threads.get(thread_id)).values ?? {}) as { configurable?: object };
      const { configurable } = await askUntil(settings, (values) => 'configurable' in values);
      await alice.crons.delete((cron as unknown as { cron_id: string }).cron_id);
      expect(configurable).toMatchObject({ langgraph_auth_user_id: 'alice', langgraph_auth_user: { team: 'birds' } });
    });
  });

  describe('have items', () => {
    it('in namespaces that other users cannot access', async () => {
      await alice.store.putItem(['alice', 'notes'], 'k', { secret: 1 });
      const attempts: Record<string, () => Promise<unknown>> = {
        get: () => bob.store.getItem(['alice', 'notes'], 'k'),
        put: () => bob.store.putItem(['alice', 'notes'], 'k', { stolen: true }),
        delete: () => bob.store.deleteItem(['alice', 'notes'], 'k'),
        search: () => bob.store.searchItems(['alice']),
        searchAll: () => bob.store.searchItems([]),
        list: () => bob.store.listNamespaces({ prefix: ['alice'] }),
        listAll: () => bob.store.listNamespaces(),
      };
      for (const [name, attempt] of Object.entries(attempts)) {
        expect([name, await statusOf(attempt)]).toEqual([name, 403]);
      }
      expect(await alice.store.getItem(['alice', 'notes'], 'k')).toMatchObject({ value: { secret: 1 } });
      expect((await admin.store.searchItems(['alice'])).items).toHaveLength(1);
    });

    it('with the filter and the changes of the handler applied', async () => {
      await admin.store.putItem(['shared', 'board'], 'of-alice', { owner: 'alice', text: 'a' });
      await admin.store.putItem(['shared', 'board'], 'of-bob', { owner: 'bob', text: 'b' });
      const { items } = await alice.store.searchItems(['shared']);
      expect(items.map(({ key }) => key)).toEqual(['of-alice']);
      const filtered = await alice.store.searchItems(['shared'], { filter: { text: 'b' } });
      expect(filtered.items).toEqual([]);
      expect(await alice.store.getItem(['shared', 'board'], 'of-bob')).toBeNull();
      expect(await statusOf(() => alice.store.putItem(['shared', 'board'], 'of-bob', { text: 'mine' }))).toBe(404);
      await alice.store.deleteItem(['shared', 'board'], 'of-bob');
      expect(await bob.store.getItem(['shared', 'board'], 'of-bob')).toMatchObject({ value: { text: 'b' } });
      await alice.store.putItem(['shared', 'more'], 'k', { text: 'stamped', owner: 'bob' });
      expect(await admin.store.getItem(['shared', 'more'], 'k')).toMatchObject({ value: { owner: 'alice' } });
      expect(await bob.store.listNamespaces({ prefix: ['shared'] })).toEqual({ namespaces: [['shared', 'board']] });
      for (const key of ['of-alice', 'of-bob']) {
        await admin.store.deleteItem(['shared', 'board'], key);
      }
      await admin.store.deleteItem(['shared', 'more'], 'k');
    });
  });

  it('may have read permission only', async () => {
    await expect(reader.threads.create()).rejects.toMatchObject(forbidden);
    await expect(reader.assistants.create({ graphId: 'steps' })).rejects.toMatchObject(forbidden);
    await expect(reader.runs.wait(null, 'steps', { input: {} })).rejects.toMatchObject(forbidden);
    expect(await reader.threads.search()).toEqual([]);
    await expect(reader.threads.get(randomUUID())).rejects.toMatchObject(refusal(404, 'thread_not_found'));
  });

  it('may include LangGraph Studio during development', async () => {
    const studio = { 'x-auth-scheme': 'langsmith' };
    const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
    expect((await send('GET', '/assistants/steps', { headers: studio })).status).toBe(200);
    expect((await send('GET', `/assistants/${assistant_id}`, { headers: studio })).status).toBe(404);
    expect((await sendJson('/threads/search', {}, studio)).status).toBe(200);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sendJson } from '../support/http.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { type Client, connect, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';
import { askUntil } from '../support/until.js';

const PROJECT = path.resolve(import.meta.dirname, '../auth');
const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-revoked-'));
/** Users whose right to run anything was taken back; see test/auth/auth.ts. */
const REVOKED = path.join(folder, 'revoked');
const revoke = (...identities: string[]): void => writeFileSync(REVOKED, identities.join('\n'));

const env = { TEST_REVOKED: REVOKED, NESTGRAPH_WEBHOOK_ALLOW_PRIVATE: 'true' };
const server = serverForFile({ project: PROJECT, env });
const other = server.beside({ project: PROJECT, env: { ...env, N_JOBS_PER_WORKER: '0' } });

/** Requests are answered by one process, and runs are executed by another, which only has the same auth module. */
const api = serverForFile({ project: PROJECT, env: { ...env, N_JOBS_PER_WORKER: '0' } });
api.beside({ command: 'worker', project: PROJECT, env });

const KEYS = { alice: 'alice-key-0123456789', bob: 'bob-key-0123456789ab' };
/** Without custom rules: every user sees what they created. */
const owners = serverForFile({ env: { NESTGRAPH_API_KEYS: `alice:${KEYS.alice},bob:${KEYS.bob}` } });

/** Once a year: due only when a test says so. */
const YEARLY = '0 0 1 1 *';
const STEPS = { path: ['one', 'two', 'three'] };

interface Cron {
  cron_id: string;
  user_id: string | null;
  enabled: boolean;
  disabled_reason?: string;
  next_run_date: string | null;
  payload: Record<string, unknown>;
}

type Row = { status: string; error: { error: string; message: string } | null; caller: { user: object } | null };

const as = (name: string) => ({ authorization: `Bearer ${name}` });
const clientOf = (Client: Parameters<typeof connect>[0], url: string, name: string): Client =>
  connect(Client, url, as(name));

const makeDue = ({ database }: Pick<typeof server, 'database'>, { cron_id }: Cron) =>
  database.pool.query('UPDATE crons SET next_run_date = clock_timestamp() WHERE cron_id = $1', [cron_id]);

const runsOf = async ({ database }: Pick<typeof server, 'database'>, { cron_id }: Cron): Promise<Row[]> => {
  const { rows } = await database.pool.query<Row>(
    `SELECT status, error, caller FROM runs WHERE metadata ->> 'cron_id' = $1 ORDER BY created_at, run_id`,
    [cron_id],
  );
  return rows;
};

const send = (url: string, name: string, method: string, route: string, body: object = {}) =>
  sendJson(`${url}${route}`, body, { method, headers: as(name) });

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => revoke());
afterAll(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true });
});

describe.each(SDKS)('revoked permissions, with SDK %s', (_, Client) => {
  let alice: Client;
  let bob: Client;
  let admin: Client;

  beforeAll(() => {
    [alice, bob, admin] = ['alice', 'bob', 'admin'].map((name) => clientOf(Client, server.url, name));
  });

  const give = (assistant_id: string, owner: string) =>
    clientOf(Client, other.url, 'admin').assistants.update(assistant_id, { metadata: { owner } });
  const newCron = async (assistant: string, thread_id?: string): Promise<Cron> => {
    const payload = { schedule: YEARLY, input: {} };
    const cron = thread_id
      ? await alice.crons.createForThread(thread_id, assistant, payload)
      : await alice.crons.create(assistant, payload);
    return cron as unknown as Cron;
  };
  const get = async ({ cron_id }: Cron): Promise<Cron> =>
    (await sendJson(`${server.url}/runs/crons/search`, { limit: 1000 }, { headers: as('admin') })
      .then(({ json }) => json as Cron[])).find((cron) => cron.cron_id === cron_id)!; // prettier-ignore

  describe('an assistant that this process has cached', () => {
    it('cannot be run by a caller who may no longer read it, nor by new crons', async () => {
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      expect(await alice.runs.wait(null, assistant_id, { input: {} })).toMatchObject(STEPS);
      await give(assistant_id, 'bob');
      const gone = refusal(404, 'assistant_not_found');
      await expect(newCron(assistant_id)).rejects.toMatchObject(gone);
      await expect(newCron(assistant_id, await newThread(alice))).rejects.toMatchObject(gone);
      await expect(alice.runs.wait(null, assistant_id, { input: {} })).rejects.toMatchObject(gone);
    });

    it('can be run by a caller who may read it now', async () => {
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      await alice.runs.wait(null, assistant_id, { input: {} });
      await expect(bob.runs.wait(null, assistant_id, { input: {} })).rejects.toMatchObject({ status: 404 });
      await give(assistant_id, 'bob');
      expect(await bob.runs.wait(null, assistant_id, { input: {} })).toMatchObject(STEPS);
    });
  });

  describe('a cron', () => {
    const disabledReason = async (cron: Cron): Promise<string | undefined> => {
      await makeDue(server, cron);
      const { disabled_reason, next_run_date } = await askUntil(
        () => get(cron),
        ({ enabled }) => !enabled,
      );
      expect(next_run_date).toBeNull();
      expect(await runsOf(server, cron)).toEqual([]);
      return disabled_reason;
    };

    it('is disabled when its caller may no longer read the assistant', async () => {
      const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
      const cron = await newCron(assistant_id);
      await give(assistant_id, 'bob');
      expect(await disabledReason(cron)).toBe(
        `alice may no longer create its runs: Assistant not found: ${assistant_id}. Send a graph id of langgraph.json, or the UUID of an assistant.`,
      );
    });

    it('is disabled when its caller may no longer run anything', async () => {
      const cron = await newCron('steps');
      revoke('alice');
      expect(await disabledReason(cron)).toBe('alice may no longer create its runs: alice runs nothing.');
    });

    it('is disabled when its caller can no longer see the thread, and changes nothing there', async () => {
      const thread_id = await newThread(alice);
      const cron = await newCron('steps', thread_id);
      await admin.threads.update(thread_id, { metadata: { owner: 'bob' } });
      const before = await admin.threads.get(thread_id);
      expect(await disabledReason(cron)).toBe(
        `alice may no longer create its runs: Thread with ID ${thread_id} not found`,
      );
      expect(await admin.threads.get(thread_id)).toEqual(before);
    });

    it('is not enabled again before its caller may run it', async () => {
      const cron = await newCron('steps');
      revoke('alice');
      await disabledReason(cron);
      const enable = () => send(server.url, 'alice', 'PATCH', `/runs/crons/${cron.cron_id}`, { enabled: true });
      expect((await enable()).status).toBe(403);
      revoke();
      expect((await enable()).json).toMatchObject({ enabled: true });
      expect(await get(cron)).not.toHaveProperty('disabled_reason');
    });

    it('still fires for a caller with the permission', async () => {
      const cron = await newCron('steps');
      await makeDue(server, cron);
      await askUntil(
        () => runsOf(server, cron),
        (runs) => runs.some(({ status }) => status === 'success'),
      );
    });
  });

  describe('a cron of another user that is changed', () => {
    const patch = (name: string, { cron_id }: Cron, body: object) =>
      send(server.url, name, 'PATCH', `/runs/crons/${cron_id}`, body);

    it('cannot be changed by a user who may not run it', async () => {
      const cron = await newCron('steps');
      for (const body of [
        { input: { mine: true } },
        { config: { configurable: { a: 1 } } },
        { metadata: { a: 1 } },
        { schedule: '* * * * *' },
      ]) {
        // prettier-ignore
        expect((await patch('clerk', cron, body)).status).toBe(403);
      }
      expect((await get(cron)).payload).toEqual(cron.payload);
    });

    it('can be disabled by that user, but not enabled again', async () => {
      const cron = await newCron('steps');
      expect((await patch('clerk', cron, { enabled: false })).json).toMatchObject({ enabled: false, user_id: 'alice' });
      expect((await patch('clerk', cron, { enabled: true })).status).toBe(403);
    });

    it('runs on behalf of the user who has changed what it runs', async () => {
      const thread_id = await newThread(alice);
      const cron = await newCron('settings', thread_id);
      const { json } = await patch('admin', cron, { context: { word: 'changed' } });
      expect(json).toMatchObject({ user_id: 'admin', payload: { context: { word: 'changed' } } });
      await makeDue(server, cron);
      const settings = async () => ((await admin.threads.get(thread_id)).values ?? {}) as { configurable?: object };
      const { configurable } = await askUntil(settings, (values) => 'configurable' in values);
      expect(configurable).toMatchObject({
        langgraph_auth_user_id: 'admin',
        user_id: 'admin',
        langgraph_auth_user: { identity: 'admin', permissions: ['read', 'write', 'everything'] },
      });
    });

    it.each([
      ['when it is due', { schedule: '0 0 2 1 *' }],
      ['nothing', { input: {}, metadata: { owner: 'alice' } }],
    ])('keeps running on behalf of its caller when the change concerns %s', async (_name, body) => {
      const cron = await newCron('steps');
      expect((await patch('admin', cron, body)).json).toMatchObject({ user_id: 'alice' });
    });

    it('runs on behalf of the user who has enabled it again', async () => {
      const cron = await newCron('steps');
      await patch('alice', cron, { enabled: false });
      expect((await patch('admin', cron, { enabled: true })).json).toMatchObject({ enabled: true, user_id: 'admin' });
    });
  });
});

describe.each([
  ['the process that it was created in', () => server],
  ['a worker', () => api],
])('a run that waits for %s', (_, place) => {
  const [, Client] = SDKS[0];
  let alice: Client;
  let admin: Client;
  let thread_id: string;

  beforeEach(async () => {
    [alice, admin] = ['alice', 'admin'].map((name) => clientOf(Client, place().url, name));
    thread_id = await newThread(alice);
  });

  const NOT_ALLOWED = { error: 'RunNotAllowed', message: 'alice is no longer allowed to do this: alice runs nothing.' };
  const rowOf = async (run_id: string): Promise<Row> => {
    const { rows } = await place().database.pool.query<Row>(
      'SELECT status, error, caller FROM runs WHERE run_id = $1',
      [run_id],
    );
    return rows[0];
  };
  const ended = (run_id: string): Promise<Row> =>
    askUntil(
      () => rowOf(run_id),
      ({ status }) => status !== 'pending' && status !== 'running',
    );

  it('behind another one ends with an error, and leaves the thread unchanged', async () => {
    const { gate, run_id: first } = await startWaiting(alice, thread_id);
    const { run_id } = await alice.runs.create(thread_id, 'steps', { input: {}, metadata: { mark: 1 } });
    revoke('alice');
    gate.open();
    expect(await ended(run_id)).toEqual({ status: 'error', error: NOT_ALLOWED, caller: null });
    expect((await ended(first)).status).toBe('success');
    const thread = await admin.threads.get(thread_id);
    expect(thread).toMatchObject({ status: 'idle', metadata: { graph_id: 'waiting' } });
    expect(await alice.runs.join(thread_id, run_id)).toEqual({ __error__: NOT_ALLOWED });
  });

  it('for its moment ends with an error when its thread has gone to another user', async () => {
    const { run_id } = await alice.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 1 });
    await admin.threads.update(thread_id, { metadata: { owner: 'bob' } });
    const message = `alice is no longer allowed to do this: Thread with ID ${thread_id} not found`;
    expect(await ended(run_id)).toEqual({ status: 'error', error: { error: 'RunNotAllowed', message }, caller: null });
  });

  it('without a thread ends with an error when the assistant has gone to another user', async () => {
    const { assistant_id } = await alice.assistants.create({ graphId: 'steps' });
    const { run_id } = await alice.runs.create(null, assistant_id, { input: {}, afterSeconds: 1 });
    await admin.assistants.update(assistant_id, { metadata: { owner: 'bob' } });
    const message = `alice is no longer allowed to do this: Assistant not found: ${assistant_id}. Send a graph id of langgraph.json, or the UUID of an assistant.`;
    expect(await ended(run_id)).toEqual({ status: 'error', error: { error: 'RunNotAllowed', message }, caller: null });
  });

  it('is executed for a caller with the permission', async () => {
    const { run_id } = await alice.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 0.1 });
    const { run_id: stateless } = await alice.runs.create(null, 'steps', { input: {}, afterSeconds: 0.1 });
    expect([(await ended(run_id)).status, (await ended(stateless)).status]).toEqual(['success', 'success']);
  });
});

describe('a webhook', () => {
  const [, Client] = SDKS[0];
  const deliveryOf = async (run_id: string) =>
    (await server.database.pool.query<{ failed_at: Date | null; last_error: string | null; caller: unknown }>(
      'SELECT failed_at, last_error, caller FROM webhook_deliveries WHERE run_id = $1', [run_id])).rows.at(0); // prettier-ignore

  it.each([
    [
      'ends',
      (alice: Client, thread_id: string, run_id: string, open: () => void) => (
        open(),
        alice.runs.join(thread_id, run_id)
      ),
    ],
    ['is cancelled', (alice: Client, thread_id: string, run_id: string) => alice.runs.cancel(thread_id, run_id, true)],
  ])('is not sent when the permission was revoked before its run %s', async (_, end) => {
    // prettier-ignore
    const alice = clientOf(Client, server.url, 'alice');
    const thread_id = await newThread(alice);
    const webhook = `${receiver.url}/taken-back`;
    const { gate, run_id } = await startWaiting(alice, thread_id, { webhook });
    revoke('alice');
    await end(alice, thread_id, run_id, gate.open);
    const delivery = await askUntil(
      () => deliveryOf(run_id),
      (row) => row !== undefined && row.failed_at !== null,
    );
    expect(delivery).toMatchObject({
      last_error: 'alice is no longer allowed to do this: alice runs nothing.',
      caller: null,
    });
    expect(receiver.received.filter(({ path }) => path === '/taken-back')).toEqual([]);
  });

  it('is sent for a caller with the permission', async () => {
    const alice = clientOf(Client, server.url, 'alice');
    const thread_id = await newThread(alice);
    await alice.runs.wait(thread_id, 'steps', { input: {}, webhook: `${receiver.url}/allowed` });
    const [{ payload }] = await receiver.until(({ path }) => path === '/allowed');
    expect(payload).toMatchObject({ thread_id, status: 'success' });
  });
});

describe('with keys alone', () => {
  const [, Client] = SDKS[0];

  it('a run that waits is executed, whatever its assistant has in its metadata', async () => {
    const alice = connect(Client, owners.url, { 'x-api-key': KEYS.alice });
    const thread_id = await newThread(alice);
    const { run_id } = await alice.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 0.1 });
    expect(await alice.runs.join(thread_id, run_id)).toMatchObject(STEPS);
  });

  it('a cron is disabled, and a delayed run ends, when their thread has gone to another user', async () => {
    const alice = connect(Client, owners.url, { 'x-api-key': KEYS.alice });
    const thread_id = await newThread(alice);
    const cron = (await alice.crons.createForThread(thread_id, 'steps', { schedule: YEARLY })) as unknown as Cron;
    const { run_id } = await alice.runs.create(thread_id, 'steps', { input: {}, afterSeconds: 1 });
    const { pool } = owners.database;
    await pool.query(`UPDATE threads SET metadata = metadata || '{"owner": "bob"}' WHERE thread_id = $1`, [thread_id]);
    await makeDue(owners, cron);
    const message = `Thread with ID ${thread_id} not found`;
    const { rows } = await askUntil(
      () => pool.query<Cron>('SELECT enabled, disabled_reason FROM crons WHERE cron_id = $1', [cron.cron_id]),
      ({ rows: [{ enabled }] }) => !enabled,
    );
    expect(rows[0].disabled_reason).toBe(`alice may no longer create its runs: ${message}`);
    const run = await askUntil(
      () => pool.query<Row>('SELECT status, error FROM runs WHERE run_id = $1', [run_id]),
      ({ rows: [{ status }] }) => status === 'error',
    );
    expect(run.rows[0].error).toEqual({
      error: 'RunNotAllowed',
      message: `alice is no longer allowed to do this: ${message}`,
    });
  });
});

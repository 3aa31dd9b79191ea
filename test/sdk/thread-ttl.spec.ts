import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { sendJson } from '../support/http.js';
import { createProject, type Project } from '../support/project.js';
import { type Client, connect, refusal, SDKS, startWaiting } from '../support/sdk.js';
import type { TestServer } from '../support/server.js';
import { askUntil } from '../support/until.js';

/** Sweeps expired threads as often as possible. */
const SWEEPING = { sweep_interval_minutes: 0, sweep_limit: 2 };

let database: TestDatabase;
let projects: Project[];
let server: TestServer;
let withDefault: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  projects = await Promise.all([createProject({ graphs: GRAPHS }), createProject({ graphs: GRAPHS })]);
  [server, withDefault] = await Promise.all(
    [SWEEPING, { ...SWEEPING, default_ttl: 60, strategy: 'keep_latest' }].map(async (ttl, index) => {
      const langgraph = { graphs: { steps: './steps.ts:graph', waiting: './waiting.ts:graph' }, checkpointer: { ttl } };
      await projects[index].write('langgraph.json', langgraph);
      return projects[index].start({ database });
    }),
  );
});
afterAll(async () => {
  await Promise.all([server, withDefault].map((one) => one?.stop()));
  await Promise.all(projects.map((project) => project.remove()));
  await database?.drop();
});

const GRAPHS = ['steps.ts', 'waiting.ts'];

const MINUTE_MS = 60_000;

interface WithTtl {
  updated_at: string;
  ttl?: { strategy: string; ttl_minutes: number; expires_at: string } | null;
}

describe.each(SDKS)('threads with a TTL, with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const get = async (thread_id: string, url = server.url): Promise<WithTtl> =>
    (await (await fetch(`${url}/threads/${thread_id}?include=ttl`)).json()) as WithTtl;

  /** Sets the last activity of a thread to that long ago. */
  const letPass = async (thread_id: string, minutes: number): Promise<void> => {
    await database.pool.query(
      `UPDATE threads SET updated_at = updated_at - $2 * interval '1 minute',
              expires_at = expires_at - $2 * interval '1 minute' WHERE thread_id = $1`,
      [thread_id, minutes],
    );
  };

  const isGone = (thread_id: string): Promise<boolean> =>
    client.threads.get(thread_id).then(
      () => false,
      ({ status }: { status: number }) => status === 404,
    );

  it.each([
    [10, 'delete'],
    [{ ttl: 10, strategy: 'keep_latest' as const }, 'keep_latest'],
  ])('return it when requested (%j)', async (ttl, strategy) => {
    const { thread_id } = await client.threads.create({ ttl: ttl as never });
    const { updated_at, ttl: told } = await get(thread_id);
    expect(told).toEqual({
      strategy,
      ttl_minutes: 10,
      expires_at: new Date(Date.parse(updated_at) + 10 * MINUTE_MS).toISOString(),
    });
    expect(await client.threads.get(thread_id)).not.toHaveProperty('ttl');
  });

  it('can get it later', async () => {
    const { thread_id } = await client.threads.create();
    expect((await get(thread_id)).ttl).toBeNull();
    await client.threads.update(thread_id, { metadata: {}, ttl: 5 });
    expect((await get(thread_id)).ttl).toMatchObject({ ttl_minutes: 5, strategy: 'delete' });
    await client.threads.update(thread_id, { metadata: { a: 1 } });
    expect((await get(thread_id)).ttl).toMatchObject({ ttl_minutes: 5, strategy: 'delete' });
  });

  it('are deleted without activity for that long', async () => {
    const threads = await Promise.all([10, 10, 10, 20].map((ttl) => client.threads.create({ ttl })));
    const [first, second, third, longer] = threads.map(({ thread_id }) => thread_id);
    await client.runs.wait(first, 'steps', { input: {} });
    const used = (await client.threads.create({ ttl: 10 })).thread_id;
    await Promise.all([first, second, third, longer, used].map((thread_id) => letPass(thread_id, 11)));
    await client.threads.update(used, { metadata: { used: true } });
    await askUntil(
      () => Promise.all([first, second, third].map(isGone)),
      (gone) => gone.every(Boolean),
    );
    expect(await isGone(longer)).toBe(false);
    expect(await isGone(used)).toBe(false);
    const { rows } = await database.pool.query('SELECT FROM checkpoints WHERE thread_id = $1', [first]);
    expect(rows).toEqual([]);
  });

  it('are not deleted while a run is active', async () => {
    const { thread_id } = await client.threads.create({ ttl: 10 });
    const { gate, run_id } = await startWaiting(client, thread_id);
    const sentinel = (await client.threads.create({ ttl: 10 })).thread_id;
    await letPass(thread_id, 11);
    await letPass(sentinel, 10.5);
    // Swept after the other one.
    await askUntil(() => isGone(sentinel), Boolean);
    gate.open();
    expect(await client.runs.join(thread_id, run_id)).toMatchObject({ order: ['a:start', 'a:end'] });
  });

  it('only lose their history with the strategy keep_latest', async () => {
    const { thread_id } = await client.threads.create({ ttl: { ttl: 10, strategy: 'keep_latest' } as never });
    await client.runs.wait(thread_id, 'steps', { input: {} });
    const state = await client.threads.getState(thread_id);
    await letPass(thread_id, 11);
    await askUntil(
      () => client.threads.getHistory(thread_id),
      ({ length }) => length === 1,
    );
    expect(await client.threads.getState(thread_id)).toEqual(state);
  });

  it.each([0, -1, 'soon', { ttl: 0 }, { strategy: 'delete' }, { ttl: 1, strategy: 'burn' }])(
    'need a time that makes sense (%j)',
    async (ttl) => {
      const refused = refusal(422, 'validation_failed');
      const id = crypto.randomUUID();
      const { status } = await sendJson(`${server.url}/threads`, { thread_id: id, ttl });
      expect(status).toBe(422);
      await expect(client.threads.get(id)).rejects.toMatchObject({ status: 404 });
      const { thread_id } = await client.threads.create();
      await expect(client.threads.update(thread_id, { metadata: {}, ttl: ttl as never })).rejects.toMatchObject(
        refused,
      );
    },
  );

  it('can be all threads by default, including threads created for runs', async () => {
    const other = connect(Client, withDefault.url);
    const made = (await other.threads.create()).thread_id;
    const forRun = crypto.randomUUID();
    await other.runs.wait(forRun, 'steps', { input: {}, ifNotExists: 'create' });
    // SDK 2.0.0 does not send `on_completion` here.
    const kept = await sendJson(`${withDefault.url}/runs`, { assistant_id: 'steps', input: {}, on_completion: 'keep' });
    for (const thread_id of [made, forRun, (kept.json as { thread_id: string }).thread_id]) {
      expect((await get(thread_id, withDefault.url)).ttl).toMatchObject({ ttl_minutes: 60, strategy: 'keep_latest' });
    }
    const own = (await other.threads.create({ ttl: 5 })).thread_id;
    expect((await get(own, withDefault.url)).ttl).toMatchObject({ ttl_minutes: 5, strategy: 'delete' });
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type LossyDatabase, startLossyDatabase } from '../support/lossy-database.js';
import { type Client, collect, connect, names, newThread, SDKS, startWaiting } from '../support/sdk.js';
import { startServer, type TestServer } from '../support/server.js';

const ALL = { path: ['one', 'two', 'three'] };

describe.each(SDKS)('an answer of the database that is lost, with SDK %s,', (_, Client) => {
  let database: TestDatabase;
  let lossy: LossyDatabase;
  let server: TestServer;
  let client: Client;

  beforeAll(async () => {
    database = await createDatabase();
    lossy = await startLossyDatabase(database);
    server = await startServer({ database: lossy, env: { NESTGRAPH_PREPARED_STATEMENTS: 'false' } });
    client = connect(Client, server.url);
  });
  afterAll(async () => {
    await server?.stop();
    await lossy?.close();
    await database?.drop();
  });

  /** Streams a run, and gives what has come of it. */
  async function streamRun(thread_id: string | null, lost: Promise<void>) {
    const options = { input: {}, streamMode: 'updates', streamResumable: true } as const;
    // Overloads tell a thread from none.
    const parts = await collect(client.runs.stream(thread_id as string, 'steps', options));
    await lost;
    expect(names(parts)).toEqual(['metadata', 'updates', 'updates', 'updates']);
    expect(parts[0].data).toMatchObject({ attempt: 1 });
    expect(server.output()).not.toContain('lost its lease');
    return parts;
  }

  async function expectAllDone(thread_id: string): Promise<void> {
    expect((await client.runs.list(thread_id)).map(({ status }) => status)).toEqual(['success']);
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', values: ALL });
    expect((await client.threads.getHistory(thread_id)).length).toBe(5);
  }

  it.each([
    ['the end of a run', /UPDATE runs SET status = \$4/],
    ['a checkpoint', /INSERT INTO checkpoints/],
    ['events', /INSERT INTO thread_events/],
  ])('to %s, costs a run nothing', async (_what, statement) => {
    const thread_id = await newThread(client);
    const parts = await streamRun(thread_id, lossy.loseAnswer(statement));
    await expectAllDone(thread_id);
    const { run_id } = parts[0].data as { run_id: string };
    expect(await collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }))).toEqual(parts);
  });

  describe('to the creation', () => {
    type Create = () => Promise<unknown>;

    const onIdleThread: Create = async () => client.runs.wait(await newThread(client), 'steps', { input: {} });

    const onNewThread: Create = () =>
      client.runs.wait(crypto.randomUUID(), 'steps', { input: {}, ifNotExists: 'create' });

    const withoutThread: Create = () => client.runs.wait(null, 'steps', { input: {} });

    const onBusyThread =
      (multitaskStrategy: 'enqueue' | 'interrupt'): Create =>
      async () => {
        const thread_id = await newThread(client);
        const { gate } = await startWaiting(client, thread_id);
        const lost = lossy.loseAnswer(/COMMIT/);
        const { run_id } = await client.runs.create(thread_id, 'steps', { input: {}, multitaskStrategy });
        await lost;
        gate.open();
        return client.runs.join(thread_id, run_id);
      };

    const inBatch: Create = async () => {
      const thread_id = await newThread(client);
      const lost = lossy.loseAnswer(/COMMIT/);
      const [, { run_id }] = await client.runs.createBatch([
        { assistantId: 'steps', input: {} },
        { assistantId: 'steps', input: {}, thread_id } as never,
      ]);
      await lost;
      return client.runs.join(thread_id, run_id);
    };

    it.each([
      ['a run on an idle thread', /INSERT INTO runs/, onIdleThread, 1],
      ['a run and its thread', /INSERT INTO runs/, onNewThread, 1],
      ['a run without a thread', /INSERT INTO runs/, withoutThread, 1],
      ['a run that waits for another', undefined, onBusyThread('enqueue'), 2],
      ['a run that replaces another', undefined, onBusyThread('interrupt'), 2],
      ['a batch', undefined, inBatch, 2],
    ])('of %s, does not repeat it', async (_what, statement, create, wanted) => {
      const before = await countRuns();
      const lost = statement && lossy.loseAnswer(statement);
      expect(await create()).toMatchObject(ALL);
      await lost;
      expect(await countRuns()).toBe(before + wanted);
    });

    const countRuns = async (): Promise<number> =>
      Number((await database.pool.query<{ count: string }>('SELECT count(*) FROM runs')).rows[0].count);
  });

  it('to the claim of a run, costs it nothing: it need not wait until its lease is over', async () => {
    const thread_id = await newThread(client);
    const lost = lossy.loseAnswer(/attempt = attempt \+ 1/);
    const [{ run_id }] = await client.runs.createBatch([{ assistantId: 'steps', input: {}, thread_id } as never]);
    await lost;
    expect(await client.runs.join(thread_id, run_id)).toEqual(ALL);
    const { rows } = await database.pool.query('SELECT attempt FROM runs WHERE run_id = $1', [run_id]);
    expect(rows).toEqual([{ attempt: 1 }]);
  });

  it('to the end of a stateless run, costs it nothing', async () => {
    await streamRun(null, lossy.loseAnswer(/UPDATE runs SET status = \$4/));
  });
});

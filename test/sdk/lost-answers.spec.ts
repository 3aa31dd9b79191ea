import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type LossyDatabase, startLossyDatabase } from '../support/lossy-database.js';
import { type Client, collect, connect, names, newThread, SDKS } from '../support/sdk.js';
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

  it('to the end of a stateless run, costs it nothing', async () => {
    await streamRun(null, lossy.loseAnswer(/UPDATE runs SET status = \$4/));
  });
});

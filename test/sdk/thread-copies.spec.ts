import { beforeAll, describe, expect, it } from '@jest/globals';
import { sendJson } from '../support/http.js';
import { type Client, connect, newThread, refusal, SDKS, serverForFile, startWaiting } from '../support/sdk.js';

const server = serverForFile();

const STEPS = ['one', 'two', 'three'];

/** Without the thread id. */
const withoutThread = (value: object): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(/"thread_id":"[^"]+"/g, '"thread_id":""')) as unknown;

describe.each(SDKS)('a copy of a thread, with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  const copy = async (): Promise<string> => (await client.threads.copy(thread_id)).thread_id;

  const historyOf = async (id: string): Promise<unknown> =>
    withoutThread(await client.threads.getHistory(id, { limit: 100 }));

  it('has the state and the history, including subgraphs, and is independent', async () => {
    thread_id = await newThread(client);
    await client.runs.wait(thread_id, 'nested', { input: {}, metadata: { mine: 1 } });
    const id = await copy();
    const original = await client.threads.get(thread_id);
    const copied = await client.threads.get(id);
    expect(copied).toMatchObject({
      status: 'interrupted',
      values: original.values,
      interrupts: original.interrupts,
      metadata: { ...original.metadata, thread_id: id },
    });
    expect(await historyOf(id)).toEqual(await historyOf(thread_id));
    const subgraphs = { subgraphs: true };
    expect(withoutThread(await client.threads.getState(id, undefined, subgraphs))).toEqual(
      withoutThread(await client.threads.getState(thread_id, undefined, subgraphs)),
    );
    for (const { metadata, checkpoint } of await client.threads.getHistory(id)) {
      expect({ metadata, checkpoint }).toMatchObject({
        metadata: { thread_id: id, mine: 1 },
        checkpoint: { thread_id: id },
      });
    }

    // LangGraph overwrites the id in what it reads.
    const { rows } = await server.database.pool.query(
      `SELECT DISTINCT metadata ->> 'thread_id' AS named FROM checkpoints WHERE thread_id = $1`,
      [id],
    );
    expect(rows).toEqual([{ named: id }]);

    const before = await historyOf(thread_id);
    expect(await client.runs.wait(id, 'nested', { command: { resume: 'yes' } })).toMatchObject({
      path: expect.arrayContaining(['answer:yes']),
    });
    expect(await historyOf(thread_id)).toEqual(before);
    await client.threads.delete(thread_id);
    expect((await client.threads.getState(id)).values).toMatchObject({ path: expect.arrayContaining(['answer:yes']) });
    expect(await client.runs.list(id)).toHaveLength(1);
  });

  it('of a busy thread has the progress of its run, and can continue from it', async () => {
    thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id, { durability: 'sync' });
    const id = await copy();
    expect(await client.threads.get(id)).toMatchObject({ status: 'interrupted', values: { order: ['a:start'] } });
    gate.open();
    expect(await client.runs.wait(id, 'waiting', { input: null })).toMatchObject({ order: ['a:start', 'a:end'] });
    await client.runs.join(thread_id, run_id);
    expect(await client.runs.list(id)).toHaveLength(1);
  });

  it('of a thread without a state has no state', async () => {
    thread_id = await newThread(client);
    expect(await client.threads.get(await copy())).toMatchObject({ status: 'idle', values: null, interrupts: {} });
  });

  it('requires an existing thread', async () => {
    await expect(client.threads.copy(crypto.randomUUID())).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    const { thread_id: hidden } = await client.runs.create(null, 'steps', { input: {} });
    await expect(client.threads.copy(hidden)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
  });
});

describe('pruned threads', () => {
  let client: Client;

  beforeAll(() => {
    client = connect(SDKS[0][1], server.url);
  });

  const withRuns = async (runs: number): Promise<string> => {
    const thread_id = await newThread(client);
    for (let run = 0; run < runs; run += 1) {
      await client.runs.wait(thread_id, 'steps', { input: {} });
    }
    return thread_id;
  };

  it('keep their newest state and continue from there', async () => {
    const [thread_id, other] = [await withRuns(3), await withRuns(1)];
    const state = await client.threads.getState(thread_id);
    expect(await client.threads.prune([thread_id], { strategy: 'keep_latest' })).toEqual({ pruned_count: 1 });
    expect(await client.threads.getState(thread_id)).toEqual(state);
    expect(await client.threads.getHistory(thread_id, { limit: 100 })).toHaveLength(1);
    expect(await client.threads.getHistory(other, { limit: 100 })).toHaveLength(5);
    expect(await client.runs.wait(thread_id, 'steps', { input: {} })).toEqual({
      path: [...STEPS, ...STEPS, ...STEPS, ...STEPS],
    });
  });

  it('are deleted by default', async () => {
    const thread_ids = [await withRuns(1), await withRuns(0)];
    expect(await client.threads.prune(thread_ids)).toEqual({ pruned_count: 2 });
    for (const thread_id of thread_ids) {
      await expect(client.threads.get(thread_id)).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    }
  });

  it('are skipped while a run is active', async () => {
    const [busy, idle] = [await newThread(client), await withRuns(2)];
    const { gate, run_id } = await startWaiting(client, busy, { durability: 'sync' });
    expect(await client.threads.prune([busy, idle], { strategy: 'keep_latest' })).toEqual({ pruned_count: 1 });
    expect((await client.threads.getHistory(busy)).length).toBeGreaterThan(1);
    gate.open();
    await client.runs.join(busy, run_id);
  });

  it('must all exist', async () => {
    const thread_id = await withRuns(1);
    const prune = client.threads.prune([thread_id, crypto.randomUUID()]);
    await expect(prune).rejects.toMatchObject(refusal(404, 'thread_not_found'));
    expect(await client.threads.get(thread_id)).toMatchObject({ thread_id });
    for (const body of [{}, { thread_ids: ['x'] }, { thread_ids: [thread_id], strategy: 'x' }]) {
      expect(await sendJson(`${server.url}/threads/prune`, body)).toMatchObject({ status: 422 });
    }
  });

  it('report their storage', async () => {
    const thread_id = await withRuns(1);
    const storage = async () => (await (await fetch(`${server.url}/threads/${thread_id}/storage`)).json()) as Storage;
    const { checkpoints, channel_values, pending_writes, total_bytes, ...rest } = await storage();
    expect(rest).toEqual({ thread_id });
    expect(checkpoints.count).toBe(5);
    expect(channel_values.by_channel.path.versions).toBe(3);
    const channels = Object.values(channel_values.by_channel);
    expect(channel_values.count).toBe(channels.reduce((sum, { versions }) => sum + versions, 0));
    expect(channel_values.bytes).toBe(channels.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(total_bytes).toBe(checkpoints.bytes + channel_values.bytes + pending_writes.bytes);
    expect(Math.min(checkpoints.bytes, channel_values.bytes, pending_writes.bytes)).toBeGreaterThan(0);
    await client.threads.prune([thread_id], { strategy: 'keep_latest' });
    expect((await storage()).total_bytes).toBeLessThan(total_bytes);
    expect((await fetch(`${server.url}/threads/${crypto.randomUUID()}/storage`)).status).toBe(404);
  });
});

interface Amount {
  count: number;
  bytes: number;
}

interface Storage {
  thread_id: string;
  total_bytes: number;
  checkpoints: Amount;
  channel_values: Amount & { by_channel: Record<string, { versions: number; bytes: number }> };
  pending_writes: Amount;
}

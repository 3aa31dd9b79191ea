import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Client,
  collect,
  connect,
  names,
  newThread,
  recordingClient,
  refusal,
  SDKS,
  serverForFile,
  startWaiting,
  untilAnswered,
} from '../support/sdk.js';

const server = serverForFile();
/** Executes no runs: what it is told must reach the other one. */
const elsewhere = server.beside({ env: { N_JOBS_PER_WORKER: '0' } });

describe.each(SDKS)('runs that are cancelled with SDK %s', (_, Client) => {
  let client: Client;
  let thread_id: string;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  /** Cancels, and gives the status of the answer. */
  const cancel = async (run_id: string, wait: boolean, url = server.url): Promise<number> => {
    const { client: recording, responses } = recordingClient(Client, url);
    await recording.runs.cancel(thread_id, run_id, wait);
    return responses[0].status;
  };

  const statusOf = async (run_id: string) => (await client.runs.get(thread_id, run_id)).status;

  describe.each([
    ['at the process that executes them', () => server.url],
    ['at another one', () => elsewhere.url],
  ])('while they run, %s', (_place, urlOf) => {
    let canceller: Client;

    beforeAll(() => {
      canceller = connect(Client, urlOf());
    });

    it('have stopped when the client waits for that', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      expect(await cancel(run_id, true, urlOf())).toBe(204);
      expect(await statusOf(run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('stop soon when the client does not wait for that', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      expect(await cancel(run_id, false, urlOf())).toBe(202);
      await client.runs.join(thread_id, run_id);
      expect(await statusOf(run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle' });
    });

    it('keep the steps they have finished, on the thread and in its state', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      await canceller.runs.cancel(thread_id, run_id, true);
      expect(await client.threads.getState(thread_id)).toMatchObject({
        values: { order: ['a:start'] },
        next: ['wait'],
      });
      expect(await client.threads.get(thread_id)).toMatchObject({ values: { order: ['a:start'] }, error: null });
    });

    it('end their stream without an error', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const streamed = collect(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }));
      await canceller.runs.cancel(thread_id, run_id);
      expect(names(await streamed)).toEqual(['metadata', 'values', 'values', 'custom']);
    });

    it('give those who wait the last state', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const waiter = recordingClient(Client, server.url);
      const joined = waiter.client.runs.join(thread_id, run_id);
      await untilAnswered(waiter);
      await canceller.runs.cancel(thread_id, run_id);
      expect(await joined).toMatchObject({ order: ['a:start'] });
      expect(await client.runs.join(thread_id, run_id)).toMatchObject({ order: ['a:start'] });
    });

    it('can be gone on with', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      await canceller.runs.cancel(thread_id, run_id, true);
      gate.open();
      expect(await client.runs.wait(thread_id, 'waiting', { input: null })).toMatchObject({
        order: ['a:start', 'a:end'],
      });
    });

    it('make room for the next one', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      const next = await client.runs.create(thread_id, 'steps', { input: {} });
      await canceller.runs.cancel(thread_id, run_id, true);
      expect(await client.runs.join(thread_id, next.run_id)).toMatchObject({ path: ['one', 'two', 'three'] });
      expect(await statusOf(next.run_id)).toBe('success');
    });

    it('can be cancelled twice', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id);
      await Promise.all([
        canceller.runs.cancel(thread_id, run_id, true),
        canceller.runs.cancel(thread_id, run_id, true),
      ]);
      expect(await statusOf(run_id)).toBe('interrupted');
    });

    it('with durability exit keep what they have finished', async () => {
      thread_id = await newThread(client);
      const { run_id } = await startWaiting(client, thread_id, { durability: 'exit' });
      await canceller.runs.cancel(thread_id, run_id, true);
      expect((await client.threads.getState(thread_id)).values).toMatchObject({ order: ['a:start'] });
    });
  });

  describe.each([
    ['without waiting', false, 202],
    ['waiting', true, 204],
  ])('before they begin, %s', (_how, wait, status) => {
    it('never begin, and leave the run before them alone', async () => {
      thread_id = await newThread(client);
      const { gate, run_id } = await startWaiting(client, thread_id);
      const pending = await client.runs.create(thread_id, 'steps', { input: {} });
      expect(await cancel(pending.run_id, wait)).toBe(status);
      expect(await statusOf(pending.run_id)).toBe('interrupted');
      expect(await client.threads.get(thread_id)).toMatchObject({ status: 'busy' });
      gate.open();
      await client.runs.join(thread_id, run_id);
      const thread = await client.threads.get(thread_id);
      expect(thread).toMatchObject({ status: 'idle', values: { order: ['a:start', 'a:end'] } });
      expect(thread.values).not.toHaveProperty('path');
    });

    it('leave those behind them in the queue', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const second = await client.runs.create(thread_id, 'waiting', { input: { label: 'b' } });
      const third = await client.runs.create(thread_id, 'waiting', { input: { label: 'c' } });
      await cancel(second.run_id, wait);
      gate.open();
      expect(await client.runs.join(thread_id, third.run_id)).toMatchObject({
        order: ['a:start', 'a:end', 'c:start', 'c:end'],
      });
    });

    it('end the stream of those who read it, without an error', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const reader = recordingClient(Client, server.url);
      const streamed = collect(reader.client.runs.joinStream(thread_id, run_id));
      await untilAnswered(reader);
      await cancel(run_id, wait);
      expect(await streamed).toEqual([]);
      gate.open();
    });

    it('give those who wait for them an answer without an error', async () => {
      thread_id = await newThread(client);
      const { gate } = await startWaiting(client, thread_id);
      const { run_id } = await client.runs.create(thread_id, 'steps', { input: {} });
      const waiter = recordingClient(Client, server.url);
      const joined = waiter.client.runs.join(thread_id, run_id);
      await untilAnswered(waiter);
      await cancel(run_id, wait);
      expect(await joined).toEqual({});
      gate.open();
    });
  });

  it.each([
    [false, 202],
    [true, 204],
  ])('after their end stay as they are (waiting: %s)', async (wait, status) => {
    thread_id = await newThread(client);
    const { run_id } = await client.runs.create(thread_id, 'ask', { input: { question: 'why?' } });
    await client.runs.join(thread_id, run_id);
    expect(await cancel(run_id, wait)).toBe(status);
    expect(await statusOf(run_id)).toBe('success');
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'interrupted' });
  });

  it('must exist, on that thread', async () => {
    thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    const missing = refusal(404, 'run_not_found');
    await expect(client.runs.cancel(thread_id, randomUUID())).rejects.toMatchObject(missing);
    await expect(client.runs.cancel(await newThread(client), run_id)).rejects.toMatchObject(missing);
    expect(await statusOf(run_id)).toBe('running');
    gate.open();
    await client.runs.join(thread_id, run_id);
  });

  it('with an action that does not exist are refused, and go on', async () => {
    thread_id = await newThread(client);
    const { gate, run_id } = await startWaiting(client, thread_id);
    await expect(client.runs.cancel(thread_id, run_id, false, 'explode' as never)).rejects.toMatchObject(
      refusal(422, 'validation_failed'),
    );
    gate.open();
    await client.runs.join(thread_id, run_id);
    expect(await statusOf(run_id)).toBe('success');
  });
});
